/**
 * Where a note is written: lists and quotes go on in it as in the editor, which the first screen does without. It grows with its
 * text, saves with a button or Ctrl + Enter, and keeps what is not saved yet.
 */
import { type FormEvent, type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { writeByKey } from '#keys/field-keys'
import { labelOf } from '#keys/keyboard'
import { joinDrafts, keepDraft, onDraftElsewhere, readDraft } from '#local/drafts'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'
import { useTellFailure } from '#ui/toasts'

interface ComposerProps {
  /** Its drafts are kept apart from other spaces'. */
  readonly space: string
  /** Rejects where the note could not be stored: the text then comes back. */
  readonly onSave: (text: string) => Promise<void>
  readonly field: RefObject<HTMLTextAreaElement | null>
}

export function Composer({ space, onSave, field }: ComposerProps) {
  const tellFailure = useTellFailure()
  const [text, setText] = useState(() => readDraft(space))
  const write = (next: string) => {
    setText(next)
    keepDraft(space, next)
  }
  const shown = useRef(space)
  useEffect(() => {
    const read = () => setText(readDraft(space))
    shown.current = space
    read()
    // What was saved there is no draft here any more.
    return onDraftElsewhere(space, read)
  }, [space])
  // biome-ignore lint/correctness/useExhaustiveDependencies: its height follows from the text
  useLayoutEffect(() => {
    const area = field.current
    if (area === null) return
    area.style.height = 'auto'
    area.style.height = `${area.scrollHeight}px`
  }, [text, field])

  async function save(event?: FormEvent): Promise<void> {
    event?.preventDefault()
    if (text.trim() === '') return
    const saved = text
    write('')
    // At once: later the person may be somewhere else.
    field.current?.focus()
    try {
      await onSave(saved)
    } catch (failure) {
      // Somebody may have gone on writing, here or elsewhere.
      keepDraft(space, joinDrafts(saved, readDraft(space)))
      setText(readDraft(shown.current))
      tellFailure(failure)
    }
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save()
    else if (event.target instanceof HTMLTextAreaElement && writeByKey(event.target, event.nativeEvent)) event.preventDefault()
  }
  return (
    <form className="composer" onSubmit={(event) => void save(event)}>
      <textarea
        ref={field}
        rows={1}
        value={text}
        placeholder={t.compose}
        aria-label={t.compose}
        onChange={({ target }) => write(target.value)}
        onKeyDown={onKeyDown}
      />
      <button
        type="submit"
        className="primary icon-button"
        disabled={text.trim() === ''}
        aria-label={t.send}
        title={`${t.send} (${labelOf('Ctrl+Enter')})`}
      >
        <Icon name="send" />
      </button>
    </form>
  )
}
