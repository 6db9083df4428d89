/** A diff written or pasted as Markdown. One for a day that has one takes its place: that is said before, and there is an undo after. */
import { paragraphs } from '@lockstep/model/paragraphs'
import { type FormEvent, useId, useRef, useState } from 'react'
import { keepDiffDraft, readDiffDraft } from '#local/diff-draft'
import { askToPersist } from '#local/persistence'
import { hashOf, type Place } from '#places/place'
import { t } from '#strings/strings'
import { dayName, dayOf } from '#text/days'
import { failureText } from '#text/failure-text'
import { Dialog } from '#ui/dialog'
import { useTellFailure, useToast } from '#ui/toasts'
import { useDiffs } from '#ui/use-diffs'
import type { Go } from '#ui/use-place'
import { useVault } from '#ui/vault'
import { newId } from '#vault/ids'

interface AddDiffDialogProps {
  readonly onClose: () => void
  readonly onGo: Go
}

export function AddDiffDialog({ onClose, onGo }: AddDiffDialogProps) {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const diffs = useDiffs() ?? []
  const [draft, setDraft] = useState(() => readDiffDraft() ?? { date: dayOf(Date.now()), title: '', text: '' })
  const [error, setError] = useState<string>()
  // What is typed meanwhile would not be in it.
  const [saving, setSaving] = useState(false)
  const id = useRef(newId())
  const errorId = useId()
  const { add: words } = t.diffs
  const { date, title, text } = draft
  const before = date === '' ? undefined : diffs.find((diff) => diff.date === date)
  const name = words.defaultName(dayName(date, 'medium'))

  function change(changes: Partial<typeof draft>): void {
    const next = { ...draft, ...changes }
    setDraft(next)
    setError(undefined)
    keepDiffDraft(next.title === '' && next.text === '' ? undefined : next)
  }
  async function save(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (saving) return
    if (date === '') return setError(words.badDay)
    if (text.trim() === '') return setError(words.noText)
    const { current } = id
    setSaving(true)
    try {
      await vault.addDiff({ id: current, title: title.trim() || name, date, text, now: Date.now() })
    } catch (failure) {
      setSaving(false)
      return setError(failureText(failure))
    }
    keepDiffDraft(undefined)
    askToPersist()
    onClose()
    const added: Place = { kind: 'diff', id: current }
    onGo(added)
    async function takeBack(): Promise<void> {
      // The one that comes back takes the new one's place.
      await (before === undefined ? vault.removeDiff(current) : vault.restoreDiff(before.id))
      if (location.hash !== hashOf(added)) return
      onGo(before === undefined ? { kind: 'diffs' } : { kind: 'diff', id: before.id })
    }
    const undo = () => void takeBack().catch(tellFailure)
    toast({ text: before === undefined ? words.saved : words.replaced, undo })
  }
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form className="add-diff" onSubmit={(event) => void save(event)}>
        <div className="row">
          <label className="day">
            {words.day}
            <input type="date" value={date} required readOnly={saving} onChange={({ target }) => change({ date: target.value })} />
          </label>
          <label>
            {words.name}
            <input value={title} placeholder={name} readOnly={saving} onChange={({ target }) => change({ title: target.value })} />
          </label>
        </div>
        <label>
          {words.text}
          <textarea
            data-first
            rows={12}
            value={text}
            readOnly={saving}
            placeholder={words.textHint}
            aria-invalid={error !== undefined}
            aria-describedby={errorId}
            onChange={({ target }) => change({ text: target.value })}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit()
            }}
          />
        </label>
        <p role="status" className={before === undefined ? 'hint' : 'warning'}>
          {before === undefined ? words.paragraphs(paragraphs(text).length) : words.replaces(before.title, before.stars)}
        </p>
        {error !== undefined && (
          <p className="error" role="alert" id={errorId}>
            {error}
          </p>
        )}
        <button type="submit" className="primary">
          {words.save}
        </button>
      </form>
    </Dialog>
  )
}
