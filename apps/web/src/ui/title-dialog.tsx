/** A note's title of its own; most have none, and are called by what they begin with. */
import { noteTitle, titleFollows } from '@lockstep/model/note-title'
import { type FormEvent, useId, useState } from 'react'
import type { ShownNote } from '#host/note-methods'
import { t } from '#strings/strings'
import { failureText } from '#text/failure-text'
import { Dialog } from '#ui/dialog'
import { useVault } from '#ui/vault'

interface TitleDialogProps {
  readonly note: ShownNote
  readonly onClose: () => void
}

export function TitleDialog({ note, onClose }: TitleDialogProps) {
  const vault = useVault()
  const following = noteTitle(note.text)
  const [own, setOwn] = useState(titleFollows(note) ? '' : note.title)
  const [error, setError] = useState<string>()
  const about = useId()

  async function save(event: FormEvent): Promise<void> {
    event.preventDefault()
    try {
      await vault.editNote(note.id, { title: own.trim() || following, now: Date.now() })
      onClose()
    } catch (failure) {
      setError(failureText(failure))
    }
  }
  return (
    <Dialog title={t.titleOfNote} onClose={onClose}>
      <form onSubmit={(event) => void save(event)}>
        <input
          data-first
          value={own}
          placeholder={following || t.untitled}
          aria-label={t.titleOfNote}
          aria-describedby={about}
          onChange={({ target }) => setOwn(target.value)}
        />
        <p className="hint" id={about}>
          {t.titleHint}
        </p>
        <p className="error" role="alert">
          {error}
        </p>
        <div className="row">
          <button type="submit" className="primary">
            {t.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
