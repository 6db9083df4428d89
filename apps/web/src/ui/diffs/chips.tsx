/** A list of words: Enter or a comma adds one; each has a button that takes it away, which the arrows go through. */
import { type KeyboardEvent, useRef, useState } from 'react'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'
import { useToast } from '#ui/toasts'

/** Never the whole list: what was added just now may not be in it yet. */
export interface ChipsChange {
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

interface ChipsProps {
  readonly label: string
  readonly items: readonly string[]
  /** @returns whether it is so now */
  readonly onChange: (change: ChipsChange) => Promise<boolean>
}

export function Chips({ label, items, onChange }: ChipsProps) {
  const toast = useToast()
  const [typed, setTyped] = useState('')
  const list = useRef<HTMLUListElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const { profile: words } = t.diffs

  async function add(): Promise<void> {
    const added = typed
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    setTyped('')
    if (added.length > 0 && !(await onChange({ add: added, remove: [] }))) setTyped(typed)
  }
  async function remove(item: string): Promise<void> {
    focusAt(items.indexOf(item) - 1)
    if (await onChange({ add: [], remove: [item] }))
      toast({ text: words.removed(item), undo: () => void onChange({ add: [item], remove: [] }) })
  }
  /** Before the first: the field. */
  function focusAt(i: number): void {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])]
    ;(buttons[i] ?? field.current)?.focus()
  }
  function onListKey(event: KeyboardEvent): void {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])]
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
    if (event.key === 'ArrowRight') focusAt(at + 1)
    else if (event.key === 'ArrowLeft') focusAt(Math.max(0, at - 1))
    else if (event.key === 'Delete' || event.key === 'Backspace') void remove(items[at] as string)
    else return
    event.preventDefault()
  }
  return (
    <fieldset className="chips">
      <legend>{label}</legend>
      {items.length > 0 && (
        <ul ref={list} onKeyDown={onListKey}>
          {items.map((item) => (
            <li key={item}>
              <span>{item}</span>
              <button type="button" aria-label={words.remove(item)} title={words.remove(item)} onClick={() => void remove(item)}>
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        ref={field}
        value={typed}
        aria-label={words.addTo(label)}
        placeholder={words.addHint}
        onChange={({ target }) => setTyped(target.value)}
        onBlur={() => void add()}
        onKeyDown={(event) => {
          // What it ends is still being composed.
          if (event.nativeEvent.isComposing) return
          if (event.key === 'Enter' || event.key === ',') {
            event.preventDefault()
            void add()
          } else if (event.key === 'Backspace' && typed === '' && items.length > 0) focusAt(items.length - 1)
          else if (event.key === 'ArrowLeft' && typed === '' && items.length > 0) focusAt(items.length - 1)
        }}
      />
    </fieldset>
  )
}
