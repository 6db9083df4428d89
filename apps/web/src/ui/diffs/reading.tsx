/** A diff, to be read: its day, its text, its stars; to be read is to be marked as read, on every device. */
import type { Diff } from '@lockstep/model/diffs'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import { t } from '#strings/strings'
import { dayName } from '#text/days'
import { Bar } from '#ui/bar'
import type { PlaceProps } from '#ui/diffs/place-props'
import { DiffText, type ParagraphJump } from '#ui/diffs/text'
import { Icon } from '#ui/icons'
import { MenuButton } from '#ui/menu-button'
import { useTellFailure, useToast } from '#ui/toasts'
import { useDiffs } from '#ui/use-diffs'
import { useAnswer, useVault } from '#ui/vault'

/** UTF-16 units that somebody reads in a minute. */
const MINUTE = 1200

function useDiff(id: string) {
  const vault = useVault()
  const { value: shown } = useAnswer({ key: `diff ${id}`, tables: ['diffs'], ask: () => vault.diff(id) })
  const { value: stars } = useAnswer({ key: `stars of ${id}`, tables: ['stars', 'diffs'], ask: () => vault.starsOf(id) })
  const { value: tldrs } = useAnswer({ key: `tldrs of ${id}`, tables: ['tldrs', 'diffs'], ask: () => vault.tldrs(id) })
  return { shown, stars, tldrs }
}

interface ReadingProps extends Pick<PlaceProps, 'drawer' | 'paused' | 'onGo' | 'onRun'> {
  readonly id: string
  readonly jump: ParagraphJump
}

export function Reading({ id, jump, drawer, paused, onGo, onRun }: ReadingProps) {
  const { shown, stars, tldrs } = useDiff(id)
  const diff = shown !== undefined && 'diff' in shown ? shown.diff : undefined
  const back = () => onGo({ kind: 'diffs' })
  const keys = useRef<HTMLElement>(null)
  useEffect(() => {
    if (paused) return
    const onKeyDown = (event: KeyboardEvent) => {
      const { activeElement } = document
      const isFree = activeElement === document.body || keys.current?.contains(activeElement) === true
      if (event.key === 'Escape' && !event.defaultPrevented && isFree) onGo({ kind: 'diffs' })
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [paused, onGo])
  return (
    <>
      <Bar title={diff === undefined ? t.diffs.places.diff : dayName(diff.date, 'medium') || diff.title} drawer={drawer}>
        <button type="button" className="with-icon" onClick={back}>
          <Icon name="back" /> <span>{t.diffs.reading.back}</span>
        </button>
        {diff !== undefined && <Actions diff={diff} onGone={back} onRun={onRun} />}
      </Bar>
      <section className="reading" ref={keys} aria-label={diff?.title ?? t.diffs.places.diff}>
        {diff !== undefined && stars !== undefined && tldrs !== undefined && (
          <Article diff={diff} stars={stars} tldrs={tldrs} jump={jump} paused={paused} onGo={onGo} />
        )}
        {shown !== undefined && 'instead' in shown && <Gone instead={shown.instead} onGo={onGo} />}
      </section>
    </>
  )
}

interface ArticleProps extends Pick<PlaceProps, 'paused' | 'onGo'> {
  readonly diff: Diff
  readonly stars: readonly { readonly id: string; readonly paragraph: number }[]
  readonly tldrs: Awaited<ReturnType<ReturnType<typeof useVault>['tldrs']>>
  readonly jump: ParagraphJump
}

function Article({ diff, stars, tldrs, jump, paused, onGo }: ArticleProps) {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const { id, title, date, text, windowDays, readAt } = diff
  const { reading } = t.diffs
  const starred = useMemo(() => new Set(stars.map(({ paragraph }) => paragraph)), [stars])
  useEffect(() => {
    if (readAt === 0) void vault.markRead([id], Date.now()).catch(() => {})
  }, [vault, id, readAt])

  const known = useRef(stars)
  useEffect(() => {
    known.current = stars
  })
  const star = useCallback(
    (paragraph: number) => {
      const there = known.current.filter((one) => one.paragraph === paragraph).map((one) => one.id)
      if (there.length === 0) {
        vault.addStar({ diff: id, paragraph, now: Date.now() }).catch(tellFailure)
        return
      }
      vault
        .removeStars(there)
        .then(
          () => toast({ text: t.diffs.stars.removed, undo: () => void vault.restoreStars(there).catch(tellFailure) }),
          tellFailure,
        )
    },
    [vault, toast, tellFailure, id],
  )
  const facts = [
    reading.minutes(Math.max(1, Math.round(text.length / MINUTE))),
    windowDays > 1 && reading.window(windowDays),
    starred.size > 0 && reading.stars(starred.size),
  ]
  const day = dayName(date, 'long')
  return (
    <article className="diff">
      <header>
        <h2>{day === '' ? title : <time dateTime={date}>{day}</time>}</h2>
        {day !== '' && title !== '' && <p className="diff-title">{title}</p>}
        <p className="facts">{facts.filter(Boolean).join(' · ')}</p>
      </header>
      {text.trim() === '' ? (
        <p className="hint">{reading.empty}</p>
      ) : (
        <DiffText text={text} tldrs={tldrs} starred={starred} jump={jump} paused={paused} onStar={star} />
      )}
      <Neighbours id={id} onGo={onGo} />
    </article>
  )
}

function Neighbours({ id, onGo }: { readonly id: string } & Pick<PlaceProps, 'onGo'>) {
  const diffs = useDiffs() ?? []
  const at = diffs.findIndex((diff) => diff.id === id)
  if (at === -1) return null
  const [newer, older] = [diffs[at - 1], diffs[at + 1]]
  const name = ({ date, title }: { readonly date: string; readonly title: string }) => dayName(date, 'medium') || title
  return (
    <nav className="neighbours" aria-label={t.diffs.reading.back}>
      {older === undefined ? (
        <span />
      ) : (
        <button type="button" onClick={() => onGo({ kind: 'diff', id: older.id })}>
          <Icon name="back" />
          <span>
            <small>{t.diffs.reading.older}</small>
            {name(older)}
          </span>
        </button>
      )}
      {newer !== undefined && (
        <button type="button" className="newer" onClick={() => onGo({ kind: 'diff', id: newer.id })}>
          <span>
            <small>{t.diffs.reading.newer}</small>
            {name(newer)}
          </span>
          <Icon name="next" />
        </button>
      )}
    </nav>
  )
}

interface ActionsProps extends Pick<PlaceProps, 'onRun'> {
  readonly diff: Diff
  readonly onGone: () => void
}

function Actions({ diff: { id, title, text }, onGone, onRun }: ActionsProps) {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const { reading } = t.diffs
  async function remove(): Promise<void> {
    await vault.removeDiff(id)
    onGone()
    toast({ text: reading.removed(title), undo: () => void vault.restoreDiff(id).catch(tellFailure) })
  }
  async function markUnread(): Promise<void> {
    // It would be read again as long as it is open.
    onGone()
    await vault.markUnread([id])
    toast({ text: reading.markedUnread })
  }
  const menu = () => [
    [
      { text: t.shared.menu, chords: '', onSelect: () => onRun('published') },
      {
        text: reading.copy,
        chords: '',
        onSelect: () => void navigator.clipboard.writeText(text).then(() => toast({ text: t.copied }), tellFailure),
      },
      { text: reading.markUnread, chords: '', onSelect: () => void markUnread().catch(tellFailure) },
    ],
    [{ text: reading.remove, chords: '', danger: true, onSelect: () => void remove().catch(tellFailure) }],
  ]
  return <MenuButton label={t.more} groups={menu} />
}

function Gone({ instead, onGo }: { readonly instead: string | undefined } & Pick<PlaceProps, 'onGo'>) {
  const { reading } = t.diffs
  return (
    <div className="empty">
      <h2>{instead === undefined ? reading.gone : reading.replaced}</h2>
      {instead === undefined ? (
        <p>{reading.goneText}</p>
      ) : (
        <button type="button" className="primary" onClick={() => onGo({ kind: 'diff', id: instead })}>
          {reading.openInstead}
        </button>
      )}
    </div>
  )
}
