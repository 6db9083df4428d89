/**
 * Where a note is written: lists and quotes go on in it as in the editor, which the first screen does without. It grows with its
 * text, saves with a button or Ctrl + Enter, and keeps what is not saved yet.
 */
import { type FormEvent, type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useState } from 'react'
import { writeByKey } from '#keys/field-keys'
import { labelOf } from '#keys/keyboard'
import { keepDraft, readDraft } from '#local/drafts'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'

interface ComposerProps {
  /** Its drafts are kept apart from other spaces'. */
  readonly space: string
  /** Rejects where the note could not be stored: the text then stays. */
  readonly onSave: (text: string) => Promise<void>
  readonly field: RefObject<HTMLTextAreaElement | null>
}

export function Composer({ space, onSave, field }: ComposerProps) {
  const [text, setText] = useState(() => readDraft(space))
  const write = (next: string) => {
    setText(next)
    keepDraft(space, next)
  }
  useEffect(() => setText(readDraft(space)), [space])
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
    } catch {
      write(saved)
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
