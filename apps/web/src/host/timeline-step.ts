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

/** So many characters are compared at once: the engine compares a piece of memory far faster than we compare its letters. */
const PIECE = 4096

/** Both the oldest first, a blank between two ids, '' for none. */
export function stepBetween(before: string, after: string): TimelineStep {
  const [from, to] = [ended(before), ended(after)]
  // As far as whole ids go.
  const head = from.lastIndexOf(' ', sameAtStart(from, to) - 1) + 1
  const same = sameAtEnd(from, to, Math.min(from.length, to.length) - head)
  const [inFrom, inTo] = [from.length - same, to.length - same]
  const cut = isBeginning(from, inFrom) && isBeginning(to, inTo) ? 0 : to.indexOf(' ', inTo) + 1 - inTo
  const end = to.length - same + cut
  return { first: blanks(from, 0, head), last: blanks(to, end, to.length), ids: to.slice(head, Math.max(head, end - 1)) }
}

/** With a blank behind the last id as behind each. */
const ended = (list: string): string => (list === '' ? '' : `${list} `)

const isBeginning = (list: string, i: number): boolean => i === 0 || list[i - 1] === ' '

function sameAtStart(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let same = 0
  while (same + PIECE <= shorter && a.slice(same, same + PIECE) === b.slice(same, same + PIECE)) same += PIECE
  while (same < shorter && a[same] === b[same]) same++
  return same
}

function sameAtEnd(a: string, b: string, most: number): number {
  const piece = (text: string, same: number) => text.slice(text.length - same - PIECE, text.length - same)
  let same = 0
  while (same + PIECE <= most && piece(a, same) === piece(b, same)) same += PIECE
  while (same < most && a[a.length - 1 - same] === b[b.length - 1 - same]) same++
  return same
}

function blanks(list: string, start: number, end: number): number {
  let count = 0
  for (let i = list.indexOf(' ', start); i !== -1 && i < end; i = list.indexOf(' ', i + 1)) count++
  return count
}

export function takeStep(before: readonly string[], { first, last, ids }: TimelineStep): readonly string[] {
  const between = ids === '' ? [] : ids.split(' ')
  if (first === 0 && last === 0) return between
  return before.slice(0, first).concat(between, last === 0 ? [] : before.slice(-last))
}
