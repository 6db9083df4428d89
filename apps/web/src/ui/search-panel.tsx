/** Search as you type, across all spaces, diffs and stars, or in one space; the arrows go through what was found. */
import { type KeyboardEvent, memo, type ReactNode, useEffect, useRef, useState } from 'react'
import type { FoundDiffs } from '#host/diff-methods'
import type { FoundNote } from '#host/note-methods'
import { t } from '#strings/strings'
import { dayName } from '#text/days'
import { Dialog } from '#ui/dialog'
import { FoundText } from '#ui/found-text'
import { useDiffSearch } from '#ui/use-diffs'
import type { Go } from '#ui/use-place'
import { useSearch } from '#ui/use-search'

const MOST = 50

interface SearchPanelProps {
  /** Absent: in all. */
  readonly space?: { readonly id: string; readonly name: string } | undefined
  readonly onEverywhere: () => void
  readonly onOpen: (space: string, note: string) => void
  readonly onGo: Go
  readonly onClose: () => void
}

interface ResultProps {
  /** What it is, and whose. */
  readonly label: string
  readonly title: ReactNode
  readonly text: FoundNote['text']
  readonly onOpen: () => void
}

function Result({ label, title, text, onOpen }: ResultProps) {
  return (
    <li>
      <button type="button" className="result" onClick={onOpen}>
        <strong>{title}</strong>
        <small>{label}</small>
        <span className="snippet">
          <FoundText found={text} />
        </span>
      </button>
    </li>
  )
}

interface ResultsProps extends FoundDiffs {
  readonly notes: readonly FoundNote[]
  /** The notes are of several, and each says of which. */
  readonly everywhere: boolean
  readonly onOpen: SearchPanelProps['onOpen']
  readonly onGo: Go
}

/** Drawn anew when something else is found, not with every letter. */
const Results = memo(function Results({ notes, stars, diffs, everywhere, onOpen, onGo }: ResultsProps) {
  const { found: words } = t.diffs
  return (
    <ul className="entries results">
      {notes.map(({ id, title, space: name, spaceId, text: body }) => (
        <Result
          key={id}
          label={everywhere ? `${words.note} · ${name}` : name}
          title={title.text === '' ? t.untitled : <FoundText found={title} />}
          text={body}
          onOpen={() => onOpen(spaceId, id)}
        />
      ))}
      {stars.map(({ id, diffId, diffTitle, date, paragraph, text: body }) => (
        <Result
          key={`star ${id}`}
          label={[words.star, dayName(date, 'medium')].filter(Boolean).join(' · ')}
          title={diffTitle}
          text={body}
          onOpen={() => onGo({ kind: 'diff', id: diffId, paragraph })}
        />
      ))}
      {diffs.map(({ id, title, date, paragraph, text: body }) => (
        <Result
          key={`diff ${id}`}
          label={[words.diff, dayName(date, 'medium')].filter(Boolean).join(' · ')}
          title={<FoundText found={title} />}
          text={body}
          onOpen={() => onGo({ kind: 'diff', id, ...(paragraph !== undefined && { paragraph }) })}
        />
      ))}
    </ul>
  )
})

const NONE: readonly never[] = []

export function SearchPanel({ space, onEverywhere, onOpen, onGo, onClose }: SearchPanelProps) {
  const [text, setText] = useState('')
  /** Enter was pressed: the first that is found is opened as soon as it is. */
  const [hurried, setHurried] = useState(false)
  const panel = useRef<HTMLDivElement>(null)
  const found = useSearch({ text, limit: MOST, space: space?.id })
  const { diffs, stars } = useDiffSearch({ text: space === undefined ? text : '', limit: MOST }) ?? { diffs: NONE, stars: NONE }
  const { found: words } = t.diffs
  const label = space === undefined ? t.search : t.searchSpace(space.name)

  // What stands there may still be for fewer letters.
  useEffect(() => {
    if (!hurried || found?.current !== true) return
    setHurried(false)
    panel.current?.querySelector<HTMLElement>('.result')?.click()
  }, [hurried, found?.current])

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
            onChange={({ target }) => {
              setText(target.value)
              setHurried(false)
            }}
            onKeyDown={({ key, nativeEvent }) => {
              if (key === 'Enter' && !nativeEvent.isComposing) setHurried(true)
            }}
          />
          {space !== undefined && (
            <button type="button" onClick={onEverywhere}>
              {t.searchEverywhere}
            </button>
          )}
        </div>
        <p role="status" className="hint">
          {found !== undefined && (words.all(found.notes.length, diffs.length, stars.length) || t.nothingFound)}{' '}
          {found !== undefined && found.backlog > 0 && t.searchAgain(found.backlog)}
        </p>
        <Results
          notes={found?.notes ?? NONE}
          stars={stars}
          diffs={diffs}
          everywhere={space === undefined}
          onOpen={onOpen}
          onGo={onGo}
        />
      </div>
    </Dialog>
  )
}
