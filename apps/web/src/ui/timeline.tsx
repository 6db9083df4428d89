/** A space's notes, the newest at the bottom; only what is in view, and a little around it, is on the page. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { t } from '#strings/strings'
import { NoteCard } from '#ui/note-card'
import { useAnswer, useChanges, useVault } from '#ui/vault'
import { NoteCache } from '#vault/note-cache'

const ESTIMATED_HEIGHT = 120
/** This near to the end somebody reads the newest notes: then new ones are scrolled to. Pixels. */
const AT_END = 80

interface TimelineProps {
  readonly space: string
  readonly onHistory: (id: string) => void
}

export function Timeline({ space, onHistory }: TimelineProps) {
  const vault = useVault()
  const { value: ids } = useAnswer({ key: `timeline ${space}`, tables: ['notes', 'spaces'], ask: () => vault.timeline(space) })
  const cache = useMemo(() => new NoteCache(vault), [vault])
  useSyncExternalStore(cache.subscribe, cache.version)
  useChanges(['notes', 'spaces'], () => cache.changed())

  const scroller = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const list = ids ?? []
  const virtualizer = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATED_HEIGHT,
    getItemKey: (i) => list[i] ?? i,
    overscan: 8,
  })
  const items = virtualizer.getVirtualItems()
  const total = virtualizer.getTotalSize()
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? -1]
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is in view follows from these
  useEffect(() => cache.want(list.slice(first, last + 1)), [cache, ids, first, last])
  // biome-ignore lint/correctness/useExhaustiveDependencies: it stays at the end when something grows
  useLayoutEffect(() => {
    const element = scroller.current
    if (element !== null && atEnd.current) element.scrollTop = element.scrollHeight
  }, [total, ids, cache.version()])

  return (
    <div
      className="timeline"
      ref={scroller}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < AT_END
      }}
    >
      {ids?.length === 0 && (
        <div className="empty">
          <h2>{t.emptyTitle}</h2>
          <p>{t.emptyText}</p>
        </div>
      )}
      <ol style={{ height: total }}>
        {items.map((item) => {
          const note = cache.get(list[item.index] as string)
          return (
            <li
              key={item.key}
              data-index={item.index}
              ref={virtualizer.measureElement}
              style={{ transform: `translateY(${item.start}px)` }}
              aria-setsize={list.length}
              aria-posinset={item.index + 1}
            >
              {note === undefined ? <div className="note placeholder" /> : <NoteCard note={note} onHistory={onHistory} />}
            </li>
          )
        })}
      </ol>
    </div>
  )
}
