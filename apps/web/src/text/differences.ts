/** What one text has that another has not, word by word; of long stretches that are the same only their edges. */
import diff from 'fast-diff'

export type Difference =
  | { readonly kind: 'same' | 'added' | 'removed'; readonly text: string }
  /** Lines that are the same and not shown. */
  | { readonly kind: 'skipped'; readonly lines: number }

/** Words, white space, line ends, and any other sign for itself. */
const TOKEN = /\n|[^\S\n]+|[\p{L}\p{N}\p{M}_]+|[^\s]/gu
/** Lines that are kept around each change. */
const CONTEXT = 2
/** Product of the lengths beyond which two texts are shown one after the other: comparing them would hold up the page. */
const MAX_WORK = 20_000_000
/** Each different token becomes one UTF-16 unit below the surrogates. */
const MAX_TOKENS = 0xd800 - 1

function tokensOf(
  before: string,
  after: string,
): { readonly list: readonly string[]; readonly texts: readonly [string, string] } | undefined {
  const numbers = new Map<string, number>()
  const encode = (text: string) => {
    let encoded = ''
    for (const [token] of text.matchAll(TOKEN)) {
      const n = numbers.get(token) ?? numbers.size + 1
      numbers.set(token, n)
      if (n > MAX_TOKENS) return undefined
      encoded += String.fromCharCode(n)
    }
    return encoded
  }
  const [a, b] = [encode(before), encode(after)]
  return a === undefined || b === undefined ? undefined : { list: ['', ...numbers.keys()], texts: [a, b] }
}

function wholly(before: string, after: string): Difference[] {
  const parts: Difference[] = [
    { kind: 'removed', text: before },
    { kind: 'added', text: after },
  ]
  return parts.filter((part) => part.kind === 'skipped' || part.text !== '')
}

/** Of an unchanged stretch: its edges next to changes. */
function edges(text: string, first: boolean, last: boolean): Difference[] {
  const lines = text.split('\n')
  const [head, tail] = [first ? 0 : CONTEXT + 1, last ? 0 : CONTEXT + 1]
  const hidden = lines.length - head - tail
  if (hidden <= 1) return [{ kind: 'same', text }]
  const parts: Difference[] = [
    { kind: 'same', text: lines.slice(0, head).join('\n') },
    { kind: 'skipped', lines: hidden },
    { kind: 'same', text: lines.slice(lines.length - tail).join('\n') },
  ]
  return parts.filter((part) => part.kind === 'skipped' || part.text !== '')
}

/** Empty where both are the same. */
export function differences(before: string, after: string): Difference[] {
  if (before === after) return []
  const tokens = tokensOf(before, after)
  if (tokens === undefined || tokens.texts[0].length * tokens.texts[1].length > MAX_WORK) return wholly(before, after)
  const pieces = diff(...tokens.texts)
  return pieces.flatMap(([operation, encoded], i): Difference[] => {
    const text = [...encoded].map((unit) => tokens.list[unit.charCodeAt(0)]).join('')
    if (operation === diff.EQUAL) return edges(text, i === 0, i === pieces.length - 1)
    return [{ kind: operation === diff.INSERT ? 'added' : 'removed', text }]
  })
}
