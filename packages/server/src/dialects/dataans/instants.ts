/** Moments as RFC 3339 writes them, to the nanosecond. */
import type { Instant } from '#storage/dataans'

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/
const LONGEST = '2025-07-31T10:20:30.123456789+00:00'.length
const SECONDS_PER_DAY = 86_400
const BILLION = 1_000_000_000

/** Since 1970; undefined where the calendar has no such day. */
function daysOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  // The years 0 to 99 are not 1900 to 1999 here.
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return date.getTime() / (1000 * SECONDS_PER_DAY)
}

/**
 * The instant of a time with `Z` or an offset, with nine digits of a fraction at most. A leap second (`23:59:60` on Coordinated
 * Universal Time) comes after the whole second before it. Undefined for anything else.
 */
export function parseInstant(text: string): Instant | undefined {
  const parts = text.length > LONGEST ? null : RFC_3339.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hours, minutes, second, fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = parts
  const days = daysOf(Number(year), Number(month), Number(day))
  if (days === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(second) > 60) return undefined
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined
  const offset = (sign === '-' ? -60 : 60) * (60 * Number(offsetHours) + Number(offsetMinutes))
  const isLeap = second === '60'
  const whole = days * SECONDS_PER_DAY + 3600 * Number(hours) + 60 * Number(minutes) + (isLeap ? 59 : Number(second)) - offset
  // In the last second of a day.
  if (isLeap && (whole + 1) % SECONDS_PER_DAY !== 0) return undefined
  return { seconds: whole, nanoseconds: Number(fraction.padEnd(9, '0')) + (isLeap ? BILLION : 0) }
}
