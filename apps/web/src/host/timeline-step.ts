/**
 * From one list of a space's notes to the next: most changes touch one place of it (a note is added at the end, goes, or comes from
 * elsewhere), and what is before and after that place need not be sent, nor taken apart, again.
 */
/** How a list of ids becomes the next one: what is between the first and the last ones gives way to `ids`. */
export interface TimelineStep {
  /** So many at the beginning stay. */
  readonly first: number
  /** So many at the end stay. */
  readonly last: number
  /** What comes between them, the oldest first, a blank between two. */
  readonly ids: string
}

const BLANK = 32

/** Both the oldest first, a blank between two ids, '' for none. */
export function stepBetween(before: string, after: string): TimelineStep {
  const [from, to] = [ended(before), ended(after)]
  const shorter = Math.min(from.length, to.length)
  let first = 0
  let head = 0
  for (let i = 0; i < shorter && from.charCodeAt(i) === to.charCodeAt(i); i++) {
    if (from.charCodeAt(i) !== BLANK) continue
    first++
    head = i + 1
  }
  let last = 0
  let tail = 0
  for (let i = 1; i <= shorter - head && from.charCodeAt(from.length - i) === to.charCodeAt(to.length - i); i++) {
    if (!isBeginning(from, from.length - i) || !isBeginning(to, to.length - i)) continue
    last++
    tail = i
  }
  return { first, last, ids: to.slice(head, Math.max(head, to.length - tail - 1)) }
}

/** With a blank behind the last id as behind each. */
const ended = (list: string): string => (list === '' ? '' : `${list} `)

const isBeginning = (list: string, i: number): boolean => i === 0 || list.charCodeAt(i - 1) === BLANK

export function takeStep(before: readonly string[], { first, last, ids }: TimelineStep): readonly string[] {
  const between = ids === '' ? [] : ids.split(' ')
  if (first === 0 && last === 0) return between
  return before.slice(0, first).concat(between, last === 0 ? [] : before.slice(-last))
}
