/** All diffs by day, grouped by month, with what is unread since somebody last read. */
import type { DiffSummary } from '@lockstep/model/diffs'
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import { t } from '#strings/strings'
import { dayName, dayOf } from '#text/days'
import { Bar, BarButton } from '#ui/bar'
import type { PlaceProps } from '#ui/diffs/place-props'
import { Rows } from '#ui/diffs/rows'
import { StreakCalendar } from '#ui/diffs/streak-calendar'
import { Icon } from '#ui/icons'
import { MenuButton } from '#ui/menu-button'
import { useTellFailure, useToast } from '#ui/toasts'
import { useDiffs } from '#ui/use-diffs'
import { useVault } from '#ui/vault'

const MONTH_HEIGHT = 52
const ROW_HEIGHT = 68
const MARK_HEIGHT = 36

type Item =
  | { readonly kind: 'month'; readonly key: string; readonly name: string }
  | { readonly kind: 'mark'; readonly key: string }
  | { readonly kind: 'diff'; readonly key: string; readonly diff: DiffSummary }

/** The mark stands between what came since somebody last read and what they had read. */
function itemsOf(diffs: readonly DiffSummary[]): Item[] {
  const items: Item[] = []
  const firstRead = diffs.findIndex(({ readAt }) => readAt > 0)
  let month: string | undefined
  for (const [i, diff] of diffs.entries()) {
    if (i === firstRead && i > 0) items.push({ kind: 'mark', key: 'mark' })
    const its = diff.date.slice(0, 7)
    if (its !== month) {
      const name = its === '' ? t.diffs.history.withoutDay : dayName(`${its}-01`, 'month')
      items.push({ kind: 'month', key: `month ${its}`, name })
    }
    month = its
    items.push({ kind: 'diff', key: diff.id, diff })
  }
  return items
}

const HEIGHTS = { month: MONTH_HEIGHT, mark: MARK_HEIGHT, diff: ROW_HEIGHT }

interface Left {
  readonly id: string
  /** How far down the list was. Pixels. */
  readonly top: number
  /** Where the row was in the window. Pixels. */
  readonly y: number
}

/** Where the list stood when somebody opened one of its diffs; who comes back from there finds it so, with that row in focus. */
let left: Left | undefined

function useWayBack(scroller: RefObject<HTMLElement | null>) {
  const [back] = useState(left)
  const rowOf = (id: string) => scroller.current?.querySelector<HTMLElement>(`[data-diff="${id}"]`) ?? undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => {
    left = undefined
    const element = scroller.current
    if (back === undefined || element === null) return
    const { id, y } = back
    // Its rows are not on the page yet.
    const observer = new MutationObserver(arrive)
    function arrive(): void {
      const row = rowOf(id)
      if (row === undefined) return
      observer.disconnect()
      // Those above it are about as high as they were, not exactly.
      element?.scrollBy(0, row.getBoundingClientRect().top - y)
      if (document.activeElement === document.body) row.focus({ preventScroll: true })
    }
    observer.observe(element, { childList: true, subtree: true })
    arrive()
    return () => observer.disconnect()
  }, [])
  const leave = (id: string) => {
    left = { id, top: scroller.current?.scrollTop ?? 0, y: rowOf(id)?.getBoundingClientRect().top ?? 0 }
  }
  return { top: back?.top ?? 0, leave }
}

export function History({ drawer, onGo, onRun }: Pick<PlaceProps, 'drawer' | 'onGo' | 'onRun'>) {
  const diffs = useDiffs()
  const scroller = useRef<HTMLElement>(null)
  const { top, leave } = useWayBack(scroller)
  function openRow(id: string): void {
    leave(id)
    onGo({ kind: 'diff', id })
  }
  const items = useMemo(() => itemsOf(diffs ?? []), [diffs])
  const { history } = t.diffs
  return (
    <>
      <Bar title={t.diffs.places.diffs} drawer={drawer}>
        <BarButton icon="search" label={t.search} command="search" onRun={onRun} />
        <BarButton icon="plus" label={history.add} command="addDiff" onRun={onRun} />
        <MenuButton
          label={t.more}
          groups={() => [[{ text: t.shared.publishedList, chords: '', onSelect: () => onRun('published') }]]}
        />
      </Bar>
      <section className="screen" ref={scroller} aria-label={t.diffs.places.diffs}>
        {diffs?.length === 0 && (
          <div className="empty">
            <h2>{history.empty}</h2>
            <p>{history.emptyText}</p>
            <button type="button" className="primary" onClick={() => onRun('addDiff')}>
              {history.add}
            </button>{' '}
            <button type="button" onClick={() => onRun('importNotes')}>
              {history.bringIn}
            </button>
          </div>
        )}
        {diffs !== undefined && diffs.length > 0 && (
          <>
            <StreakCalendar diffs={diffs} />
            <SinceLastRead diffs={diffs} onGo={onGo} />
            <Rows items={items} keyOf={({ key }) => key} heightOf={({ kind }) => HEIGHTS[kind]} scroller={scroller} top={top}>
              {(item) => {
                if (item.kind === 'month') return <h2 className="month">{item.name}</h2>
                if (item.kind === 'mark') return <p className="read-up-to">{history.readUpTo}</p>
                return <DiffRow diff={item.diff} onOpen={openRow} />
              }}
            </Rows>
          </>
        )}
      </section>
    </>
  )
}

interface DiffRowProps {
  readonly diff: DiffSummary
  readonly onOpen: (id: string) => void
}

function DiffRow({ diff: { id, title, date, stars, readAt }, onOpen }: DiffRowProps) {
  const { history } = t.diffs
  return (
    <button type="button" className={readAt === 0 ? 'diff-row unread' : 'diff-row'} data-diff={id} onClick={() => onOpen(id)}>
      <span className="dot" aria-hidden="true" />
      <span className="what">
        <strong>{title === '' ? t.untitled : title}</strong>
        <small>
          {date !== '' && <time dateTime={date}>{dayName(date, 'inMonth')}</time>}
          {readAt === 0 && <span className="sr-only"> {history.notRead}</span>}
        </small>
      </span>
      {stars > 0 && (
        <span className="stars">
          <Icon name="star" />
          <span aria-hidden="true">{stars}</span>
          <span className="sr-only">{history.stars(stars)}</span>
        </span>
      )}
    </button>
  )
}

function SinceLastRead({ diffs, onGo }: { readonly diffs: readonly DiffSummary[] } & Pick<PlaceProps, 'onGo'>) {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const { history } = t.diffs
  const unread = diffs.filter(({ readAt }) => readAt === 0)
  const oldest = unread.at(-1)
  if (oldest === undefined) return null
  const lastRead = Math.max(...diffs.map(({ readAt }) => readAt))
  const ids = unread.map(({ id }) => id)
  async function markAll(): Promise<void> {
    await vault.markRead(ids, Date.now())
    toast({ text: history.markedRead(ids.length), undo: () => void vault.markUnread(ids).catch(tellFailure) })
  }
  return (
    <div className="since">
      <p>
        {lastRead === 0
          ? history.neverRead(unread.length)
          : history.sinceLastRead(unread.length, dayName(dayOf(lastRead), 'medium'))}
      </p>
      <span className="row">
        <button type="button" className="primary" onClick={() => onGo({ kind: 'diff', id: oldest.id })}>
          {history.readNext}
        </button>
        <button type="button" onClick={() => void markAll().catch(tellFailure)}>
          {history.markAllRead}
        </button>
      </span>
    </div>
  )
}
