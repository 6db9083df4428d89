/** A space's pinned notes, always at hand above its timeline. */
import type { PinnedNote } from '#host/timelines'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'

interface PinnedStripProps {
  readonly notes: readonly PinnedNote[]
  readonly onOpen: (id: string) => void
}

export function PinnedStrip({ notes, onOpen }: PinnedStripProps) {
  if (notes.length === 0) return null
  return (
    <nav className="pinned-strip" aria-label={t.pinnedNotes}>
      <Icon name="pin" />
      <ul>
        {notes.map(({ id, title }) => (
          <li key={id}>
            <button type="button" onClick={() => onOpen(id)}>
              {title === '' ? t.untitled : title}
            </button>
          </li>
        ))}
      </ul>
    </nav>
  )
}
