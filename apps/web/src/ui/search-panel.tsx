/** Search as you type, across all spaces or in one; the arrows go through what was found. */
import { type KeyboardEvent, useRef, useState } from 'react'
import { t } from '#strings/strings'
import { Dialog } from '#ui/dialog'
import { FoundText } from '#ui/found-text'
import { useSearch } from '#ui/use-search'

const MOST = 50

interface SearchPanelProps {
  /** Absent: in all. */
  readonly space?: { readonly id: string; readonly name: string } | undefined
  readonly onEverywhere: () => void
  readonly onOpen: (space: string, note: string) => void
  readonly onClose: () => void
}

export function SearchPanel({ space, onEverywhere, onOpen, onClose }: SearchPanelProps) {
  const [text, setText] = useState('')
  const panel = useRef<HTMLDivElement>(null)
  const found = useSearch({ text, limit: MOST, space: space?.id })
  const label = space === undefined ? t.search : t.searchSpace(space.name)

  function onKeyDown(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const stops = [...(panel.current?.querySelectorAll<HTMLElement>('input, .result') ?? [])]
    const at = stops.indexOf(document.activeElement as HTMLElement)
    stops[Math.min(stops.length - 1, Math.max(0, at + step))]?.focus()
  }
  return (
    <Dialog title={label} onClose={onClose}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrows are an addition to Tab */}
      <div className="search" ref={panel} onKeyDown={onKeyDown}>
        <div className="search-line">
          <input
            type="search"
            data-first
            value={text}
            aria-label={label}
            placeholder={label}
            onChange={({ target }) => setText(target.value)}
            onKeyDown={({ key }) => {
              const [first] = found?.notes ?? []
              if (key === 'Enter' && first !== undefined) onOpen(first.spaceId, first.id)
            }}
          />
          {space !== undefined && (
            <button type="button" onClick={onEverywhere}>
              {t.searchEverywhere}
            </button>
          )}
        </div>
        <p role="status" className="hint">
          {found !== undefined && (found.notes.length === 0 ? t.nothingFound : t.found(found.notes.length))}{' '}
          {found !== undefined && found.backlog > 0 && t.searchAgain(found.backlog)}
        </p>
        <ul className="entries results">
          {found?.notes.map(({ id, title, space: name, spaceId, text: body }) => (
            <li key={id}>
              <button type="button" className="result" onClick={() => onOpen(spaceId, id)}>
                <strong>{title.text === '' ? t.untitled : <FoundText found={title} />}</strong>
                <small>{name}</small>
                <span className="snippet">
                  <FoundText found={body} />
                </span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </Dialog>
  )
}
