/** RFC 3339 with nanoseconds, and the nanoseconds since 1970 that it means. */

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/
const NANOS_PER_MILLISECOND = 1_000_000n
const NANOS_PER_SECOND = 1_000_000_000n

/** @throws RangeError */
export function nanosOf(text: string): bigint {
  const found = RFC_3339.exec(text)
  if (found === null) throw new RangeError(`not a time: ${text}`)
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = found
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  return BigInt(local - offset) * NANOS_PER_MILLISECOND + BigInt(fraction.padEnd(9, '0'))
}

/** As the app writes it: in UTC, with as few groups of three digits after the second as hold the value. */
export function textOf(nanos: bigint): string {
  const fraction = ((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND
  const digits = String(fraction)
    .padStart(9, '0')
    .replace(/(?:000)+$/, '')
  const second = new Date(Number((nanos - fraction) / NANOS_PER_MILLISECOND)).toISOString().slice(0, 19)
  return `${second}${digits === '' ? '' : `.${digits}`}Z`
}
