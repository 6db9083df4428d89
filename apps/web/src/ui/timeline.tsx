/**
 * A space's notes, the newest at the bottom; only what is in view, and a little around it, is on the page. One note is the current
 * one: Tab comes to it, the arrows go on from it. It stays on the page wherever people scroll, as does the one that is edited.
 */
import { defaultRangeExtractor, type Range, useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { chordOf } from '#keys/chord'
import { t } from '#strings/strings'
import { useNoteActions } from '#ui/note-actions'
import { NoteCard } from '#ui/note-card'
import { PinnedStrip } from '#ui/pinned-strip'
import { ACCOUNT } from '#ui/status'
import { useTimeline } from '#ui/use-timeline'
import { useChanges, useVault } from '#ui/vault'
import { NoteCache } from '#vault/note-cache'

const ESTIMATED_HEIGHT = 120
/** This near to the end somebody reads the newest notes: then new ones are scrolled to. Pixels. */
const AT_END = 80
/** Notes around one that is jumped to that are fetched first. */
const AROUND = 8
/** For so long a note that was jumped to is marked. Milliseconds. */
const MARKED = 2500

/** Where to go; each object goes there once. */
export interface Jump {
  readonly note: string | 'newest'
  /** It takes the focus too. */
  readonly focus: boolean
}

interface TimelineProps {
  readonly space: string
  readonly jump: Jump | undefined
  /** It was done: coming back later is no reason to do it again. */
  readonly onJumped: (jump: Jump) => void
  readonly onHistory: (id: string) => void
  /** Out of the notes, by Escape. */
  readonly onLeave: () => void
  readonly onImport: () => void
}

const STEPS: Readonly<Record<string, (at: number, last: number) => number>> = {
  ArrowUp: (at) => at - 1,
  ArrowDown: (at) => at + 1,
  Home: () => 0,
  End: (_, last) => last,
}

export function Timeline({ space, jump, onJumped, onHistory, onLeave, onImport }: TimelineProps) {
  const vault = useVault()
  const actions = useNoteActions()
  const timeline = useTimeline(space)
  const cache = useMemo(() => new NoteCache(vault), [vault])
  useSyncExternalStore(cache.subscribe, cache.version)
  // Where a note is, is another one after each sync.
  useChanges(['notes', 'spaces', ACCOUNT], () => cache.changed())

  const list = timeline?.ids ?? []
  const scroller = useRef<HTMLDivElement>(null)
  const [chosen, setChosen] = useState<string>()
  const [editing, setEditing] = useState<string>()
  const [marked, setMarked] = useState<string>()
  /** Takes the focus as soon as it is on the page; each object once. */
  const [wanted, setWanted] = useState<{ readonly id: string }>()
  const taken = useRef(wanted)
  const take = useCallback((id: string) => {
    setChosen(id)
    setWanted({ id })
  }, [])
  /** The note that has the focus, itself or something in it. */
  const held = useRef<string>(undefined)
  const before = useRef(list)
  // When it goes, by its menu or on another device, the one that takes its place has it: else who uses keys would begin anew.
  useLayoutEffect(() => {
    const was = before.current
    before.current = list
    if (held.current === undefined || list === was || list.includes(held.current)) return
    const next = list[Math.min(was.indexOf(held.current), list.length - 1)]
    held.current = undefined
    if (next !== undefined) take(next)
  }, [list, take])
  const at = useMemo(() => {
    const found = chosen === undefined ? -1 : list.indexOf(chosen)
    return found === -1 ? list.length - 1 : found
  }, [list, chosen])
  const edited = useMemo(() => (editing === undefined ? -1 : list.indexOf(editing)), [list, editing])

  const virtualizer = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATED_HEIGHT,
    getItemKey: useCallback((i: number) => list[i] ?? i, [list]),
    rangeExtractor: useCallback(
      (range: Range) => {
        const held = [at, edited].filter((i) => i >= 0 && i < range.count)
        return [...new Set([...defaultRangeExtractor(range), ...held])].sort((a, b) => a - b)
      },
      [at, edited],
    ),
    overscan: 8,
    anchorTo: 'end',
    scrollEndThreshold: AT_END,
  })
  const items = virtualizer.getVirtualItems()
  const onPage = items.map(({ index }) => list[index] as string).join(' ')
  useEffect(() => cache.want(onPage === '' ? [] : onPage.split(' ')), [cache, onPage])

  // It begins at the end, and stays there when notes come or grow, and when the place for them shrinks: by a longer draft, a
  // keyboard on the screen.
  const atEnd = useRef(true)
  const total = virtualizer.getTotalSize()
  const stay = useCallback(() => {
    const element = scroller.current
    if (element !== null && atEnd.current) element.scrollTop = element.scrollHeight
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: when what there is to scroll has changed
  useLayoutEffect(stay, [stay, total, list, cache.version()])
  useLayoutEffect(() => {
    const observer = new ResizeObserver(stay)
    if (scroller.current !== null) observer.observe(scroller.current)
    return () => observer.disconnect()
  }, [stay])

  const goTo = useCallback(
    async (id: string, focus: boolean) => {
      const i = list.indexOf(id)
      if (i === -1) return
      await cache.load(list.slice(Math.max(0, i - AROUND), i + AROUND))
      atEnd.current = false
      virtualizer.scrollToIndex(i, { align: 'center' })
      setMarked(id)
      if (focus) take(id)
    },
    [list, cache, virtualizer, take],
  )
  useEffect(() => {
    if (jump === undefined || timeline === undefined) return
    const last = list.at(-1)
    if (jump.note === 'newest') {
      atEnd.current = true
      stay()
      if (jump.focus && last !== undefined) take(last)
    } else if (list.includes(jump.note)) void goTo(jump.note, jump.focus)
    // A note that is not here yet may come with the next answer.
    else return
    onJumped(jump)
  }, [jump, timeline, list, goTo, stay, take, onJumped])
  useEffect(() => {
    if (marked === undefined) return
    const timer = setTimeout(() => setMarked(undefined), MARKED)
    return () => clearTimeout(timer)
  }, [marked])
  useLayoutEffect(() => {
    if (wanted === undefined || wanted === taken.current) return
    const element = scroller.current?.querySelector<HTMLElement>(`[data-note="${CSS.escape(wanted.id)}"]`)
    if (element == null) return
    taken.current = wanted
    element.focus({ preventScroll: true })
  })

  function choose(i: number): void {
    const id = list[Math.min(list.length - 1, Math.max(0, i))]
    if (id === undefined) return
    take(id)
    atEnd.current = i >= list.length - 1
    virtualizer.scrollToIndex(list.indexOf(id))
  }
  const finish = useCallback(
    (id: string) => {
      setEditing(undefined)
      take(id)
    },
    [take],
  )
  function onKeyDown(event: KeyboardEvent): void {
    const id = event.target instanceof HTMLElement ? event.target.dataset['note'] : undefined
    const chord = chordOf(event)
    const note = id === undefined ? undefined : cache.get(id)
    if (id === undefined || chord === undefined || note === undefined) return
    // What is typed before the editor is there is no command.
    if (id === editing) return
    const step = STEPS[chord]
    const i = list.indexOf(id)
    if (step !== undefined) choose(step(i, list.length - 1))
    else if (chord === 'Enter') setEditing(id)
    else if (chord === 'Delete' || chord === 'Backspace') {
      // A key that is held down is one delete, not the end of all notes above.
      if (event.repeat) return
      const next = list[i + 1] ?? list[i - 1]
      if (next !== undefined) take(next)
      actions.remove(note)
    } else if (chord === 'C') actions.copy(note)
    else if (chord === 'P') actions.togglePin(note)
    else if (chord === 'H') onHistory(id)
    else if (chord === 'Escape') onLeave()
    else return
    event.preventDefault()
  }

  return (
    <>
      <PinnedStrip notes={timeline?.pinned ?? []} onOpen={(id) => void goTo(id, true)} />
      <div
        className="timeline"
        ref={scroller}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < AT_END
        }}
      >
        {timeline?.ids.length === 0 && (
          <div className="empty">
            <h2>{t.emptyTitle}</h2>
            <p>{t.emptyText}</p>
            <button type="button" className="link" onClick={onImport}>
              {t.emptyImport}
            </button>
          </div>
        )}
        <ol style={{ height: total }} onKeyDown={onKeyDown}>
          {items.map((item) => {
            const id = list[item.index] as string
            const note = cache.get(id)
            return (
              <li
                key={item.key}
                data-index={item.index}
                // The height of a note is not known before it has come: that is its first measurement, which leaves what is read
                // where it is whichever way people scroll.
                ref={note === undefined ? undefined : virtualizer.measureElement}
                style={{ transform: `translateY(${item.start}px)` }}
                aria-setsize={list.length}
                aria-posinset={item.index + 1}
                onFocus={() => {
                  setChosen(id)
                  held.current = id
                }}
                onBlur={() => {
                  held.current = undefined
                }}
              >
                {note === undefined ? (
                  <div className="note placeholder" />
                ) : (
                  <NoteCard
                    note={note}
                    current={item.index === at}
                    marked={id === marked}
                    editing={id === editing}
                    onEdit={setEditing}
                    onDone={finish}
                    onHistory={onHistory}
                  />
                )}
              </li>
            )
          })}
        </ol>
      </div>
    </>
  )
}
