/** How well a name fits what somebody types to find it. */

/** Lower is better: its beginning, the beginning of a word, anywhere, its letters in order; undefined: not at all. */
export function matchRank(name: string, typed: string): number | undefined {
  const [text, asked] = [name, typed.trim()].map((part) => part.toLocaleLowerCase()) as [string, string]
  if (asked === '') return 0
  const at = text.indexOf(asked)
  if (at === 0) return 0
  if (at > 0) return /\s/.test(text[at - 1] ?? '') ? 1 : 2
  let from = 0
  for (const letter of asked.replace(/\s/g, '')) {
    from = text.indexOf(letter, from) + 1
    if (from === 0) return undefined
  }
  return 3
}
