/** Starred paragraphs, the latest day first, each with its source and the way back to it. */
import type { Star } from '@lockstep/model/stars'
import { useMemo, useRef } from 'react'
import { t } from '#strings/strings'
import { dayName } from '#text/days'
import { Bar, BarButton } from '#ui/bar'
import type { PlaceProps } from '#ui/diffs/place-props'
import { Rows } from '#ui/diffs/rows'
import { Icon } from '#ui/icons'
import { MarkdownView } from '#ui/markdown-view'
import { useTellFailure, useToast } from '#ui/toasts'
import { useAnswer, useVault } from '#ui/vault'

const DAY_HEIGHT = 64
const STAR_HEIGHT = 170

type Item =
  | { readonly kind: 'diff'; readonly key: string; readonly star: Star }
  | { readonly kind: 'star'; readonly key: string; readonly star: Star }

function itemsOf(stars: readonly Star[]): Item[] {
  return stars.flatMap((star, i) => {
    const item: Item = { kind: 'star', key: star.id, star }
    return stars[i - 1]?.diffId === star.diffId ? [item] : [{ kind: 'diff' as const, key: `diff ${star.diffId}`, star }, item]
  })
}

/** What goes would take the focus with it: the next one's button gets it, or that of the one before. */
function leaveTo(button: HTMLElement): void {
  const all = [...(button.closest('ol')?.querySelectorAll<HTMLElement>('button.star') ?? [])]
  const at = all.indexOf(button)
  const other = all[at + 1] ?? all[at - 1]
  other?.focus({ preventScroll: true })
}

export function Stars({ drawer, onGo, onRun }: Pick<PlaceProps, 'drawer' | 'onGo' | 'onRun'>) {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const { value: stars } = useAnswer({ key: 'stars', tables: ['stars', 'diffs'], ask: () => vault.stars() })
  const scroller = useRef<HTMLElement>(null)
  const items = useMemo(() => itemsOf(stars ?? []), [stars])
  const words = t.diffs.stars
  async function remove(id: string, button: HTMLElement): Promise<void> {
    leaveTo(button)
    await vault.removeStars([id])
    toast({ text: words.removed, undo: () => void vault.restoreStars([id]).catch(tellFailure) })
  }
  return (
    <>
      <Bar title={t.diffs.places.stars} drawer={drawer}>
        <BarButton icon="search" label={t.search} command="search" onRun={onRun} />
      </Bar>
      <section className="screen" ref={scroller} aria-label={t.diffs.places.stars}>
        {stars?.length === 0 && (
          <div className="empty">
            <h2>{words.empty}</h2>
            <p>{words.emptyText}</p>
          </div>
        )}
        <Rows
          items={items}
          keyOf={({ key }) => key}
          heightOf={({ kind }) => (kind === 'diff' ? DAY_HEIGHT : STAR_HEIGHT)}
          scroller={scroller}
        >
          {({ kind, star: { id, diffId, diffTitle, date, paragraph, text } }) =>
            kind === 'diff' ? (
              <h2 className="month">
                {dayName(date, 'long') || diffTitle}
                {dayName(date, 'long') !== '' && <small>{diffTitle}</small>}
              </h2>
            ) : (
              <article className="starred-text">
                <MarkdownView text={text} />
                <footer>
                  <button type="button" className="link" onClick={() => onGo({ kind: 'diff', id: diffId, paragraph })}>
                    {words.source} <Icon name="next" />
                  </button>
                  <button
                    type="button"
                    className="icon-button star"
                    aria-pressed="true"
                    aria-label={words.unstar}
                    title={words.unstar}
                    onClick={({ currentTarget }) => void remove(id, currentTarget).catch(tellFailure)}
                  >
                    <Icon name="star" />
                  </button>
                </footer>
              </article>
            )
          }
        </Rows>
      </section>
    </>
  )
}
