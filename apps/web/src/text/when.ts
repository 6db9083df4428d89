/** Times as people say them: short, in the reader's own time zone. */
import { locale } from '#local/language'

const DAY = 24 * 60 * 60 * 1000

const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' })
const dayOfYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' })

/** The time of today, the day of this year, the date of any other. */
export function shortTime(millis: number, now: number): string {
  const [date, today] = [new Date(millis), new Date(now)]
  if (date.toDateString() === today.toDateString()) return time.format(date)
  if (now - millis < 6 * DAY && now > millis) return `${day.format(date)}, ${time.format(date)}`
  return date.getFullYear() === today.getFullYear() ? day.format(date) : dayOfYear.format(date)
}
