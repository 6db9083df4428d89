/** The last year at a glance: which days have a diff, which of these were read, how many in a row. */
import type { DiffSummary } from '@lockstep/model/diffs'
import { useMemo } from 'react'
import { t } from '#strings/strings'
import { addDays, dayName, dayOf, streakOf, weekdayOf } from '#text/days'

const WEEKS = 53
const WEEK = 7

export function StreakCalendar({ diffs }: { readonly diffs: readonly DiffSummary[] }) {
  const today = dayOf(Date.now())
  const { streak: words } = t.diffs
  const { days, streak, summary } = useMemo(() => {
    const read = new Map(diffs.filter(({ date }) => date !== '').map(({ date, readAt }) => [date, readAt > 0]))
    const count = (WEEKS - 1) * WEEK + weekdayOf(today) + 1
    const days = Array.from({ length: count }, (_, i) => {
      const day = addDays(today, i + 1 - count)
      const is = read.get(day)
      return { day, kind: is === undefined ? 'none' : is ? 'read' : 'unread' } as const
    })
    const withDiff = days.filter(({ kind }) => kind !== 'none').length
    return {
      days,
      streak: streakOf(new Set(read.keys()), today),
      summary: words.summary(count, withDiff, days.filter(({ kind }) => kind === 'read').length),
    }
  }, [diffs, today, words])
  return (
    <section className="streak" aria-label={words.title}>
      <p>
        <strong>{words.current(streak.current)}</strong> <span className="hint">{words.longest(streak.longest)}</span>
      </p>
      <div className="days-frame">
        <div className="days" role="img" aria-label={summary}>
          {days.map(({ day, kind }) => (
            <i key={day} className={kind} title={`${dayName(day, 'medium')}: ${words[kind]}`} />
          ))}
        </div>
      </div>
    </section>
  )
}
