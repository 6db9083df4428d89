/**
 * Dataans counts time in nanoseconds: two of its operations may lie in one millisecond, and the digest of an operation covers
 * every digit. Times are Unix nanoseconds here; what people see is milliseconds.
 */
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/
/** What Rust's `time` writes where nobody asked for RFC 3339: `2025-07-31 10:20:30.5 +00:00:00`. */
const SPACED = /^(\d{4})-(\d\d)-(\d\d) (\d{1,2}):(\d\d):(\d\d)(?:\.(\d{1,30}))? ([+-])(\d\d):(\d\d)(?::(\d\d))?$/

const NANOS_IN_MILLI = 1_000_000n

interface Fields {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
  /** Seconds east of UTC. */
  readonly offset: number
}

/** Undefined where there is no such moment: a 30th of February, a minute 60. */
function toNanos({ year, month, day, hour, minute, second, nanosecond, offset }: Fields): bigint | undefined {
  const date = new Date(0)
  // Date.UTC takes the year 25 for 1925.
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const isSame =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second
  if (!isSame || Math.abs(offset) >= 24 * 3600) return undefined
  return BigInt(date.getTime() - offset * 1000) * NANOS_IN_MILLI + BigInt(nanosecond)
}

/** Unix nanoseconds of an RFC 3339 time, digits after the ninth dropped; undefined where it is none. */
export function parseTimestamp(text: string): bigint | undefined {
  return fromMatch(RFC3339.exec(text))
}

function fromMatch(match: RegExpExecArray | null): bigint | undefined {
  if (match === null) return undefined
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second,
    fraction = '',
    sign,
    offsetHours = '0',
    offsetMinutes = '0',
    offsetSeconds = '0',
  ] = match
  const east = Number(offsetHours) * 3600 + Number(offsetMinutes) * 60 + Number(offsetSeconds)
  return toNanos({
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    nanosecond: Number(fraction.padEnd(9, '0').slice(0, 9)),
    offset: sign === '-' ? -east : east,
  })
}

/**
 * A time of the JSON export. Releases wrote it in three ways: RFC 3339, {@link SPACED}, or as numbers: year, day of the year,
 * hour, minute, second, nanosecond, and the offset's hours, minutes and seconds.
 */
export function parseExportTime(value: unknown): bigint | undefined {
  if (typeof value === 'string') return parseTimestamp(value) ?? fromMatch(SPACED.exec(value))
  if (!Array.isArray(value) || value.length !== 9 || !value.every((part) => Number.isInteger(part))) return undefined
  const [year, ordinal, hour, minute, second, nanosecond, ...offset] = value as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (year < 0 || year > 9999 || ordinal < 1 || ordinal > 366 || nanosecond < 0 || nanosecond > 999_999_999) return undefined
  const start = toNanos({ year, month: 1, day: 1, hour, minute, second, nanosecond, offset: offsetSeconds(offset) })
  if (start === undefined) return undefined
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return ordinal === 366 && !isLeap ? undefined : start + BigInt(ordinal - 1) * 86_400_000n * NANOS_IN_MILLI
}

const offsetSeconds = (parts: readonly number[]) => parts.reduce((sum, part, i) => sum + part * 60 ** (2 - i), 0)

/** Unix milliseconds, rounded down. */
export function toMillis(nanos: bigint): number {
  return Number(nanos >= 0n ? nanos / NANOS_IN_MILLI : (nanos - NANOS_IN_MILLI + 1n) / NANOS_IN_MILLI)
}
