/** Days as the vault has them, YYYY-MM-DD, of no time zone: what is a day's name, its month, how many in a row. */
import { locale } from '#local/language'

const DAY = 24 * 60 * 60 * 1000

const formats = {
  long: new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }),
  medium: new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }),
  inMonth: new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' }),
  month: new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }),
} as const

const timeOf = (day: string): number => Date.parse(`${day}T00:00:00Z`)

/** Empty for what is no day. */
export function dayName(day: string, format: keyof typeof formats): string {
  const time = timeOf(day)
  return Number.isNaN(time) ? '' : formats[format].format(time)
}

/** The day that it is where the reader is. */
export function dayOf(millis: number): string {
  const date = new Date(millis)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

export const addDays = (day: string, days: number): string => new Date(timeOf(day) + days * DAY).toISOString().slice(0, 10)

/** 0 is Monday. */
export const weekdayOf = (day: string): number => (new Date(timeOf(day)).getUTCDay() + 6) % 7

export interface Streak {
  /** Days in a row up to today, or up to yesterday: today's may still come. */
  readonly current: number
  readonly longest: number
}

export function streakOf(days: ReadonlySet<string>, today: string): Streak {
  let longest = 0
  for (const day of days) {
    if (days.has(addDays(day, -1))) continue
    let length = 1
    while (days.has(addDays(day, length))) length++
    longest = Math.max(longest, length)
  }
  const last = days.has(today) ? today : addDays(today, -1)
  let current = 0
  while (days.has(addDays(last, -current))) current++
  return { current, longest }
}
