/** Where in the app somebody is, as it stands behind the `#` of the address: so the browser's own way back leads through it. */
export type Place =
  /** A space's notes; without an id, those of the space that was shown last. */
  | { readonly kind: 'space'; readonly id?: string }
  | { readonly kind: 'diffs' }
  /** A diff, perhaps at one of its paragraphs. */
  | { readonly kind: 'diff'; readonly id: string; readonly paragraph?: number }
  | { readonly kind: 'stars' }
  | { readonly kind: 'profile' }

const BARE = ['diffs', 'stars', 'profile'] as const
const SPACE = /^#space\/([\w.~:-]{1,64})$/
const DIFF = /^#diff\/([\w.~:-]{1,64})(?:\/(\d{1,6}))?$/

/** What is not known is the notes. */
export function parsePlace(hash: string): Place {
  const bare = BARE.find((kind) => hash === `#${kind}`)
  if (bare !== undefined) return { kind: bare }
  const space = SPACE.exec(hash)?.[1]
  if (space !== undefined) return { kind: 'space', id: space }
  const [all, id = '', paragraph] = DIFF.exec(hash) ?? []
  if (all === undefined) return { kind: 'space' }
  return paragraph === undefined ? { kind: 'diff', id } : { kind: 'diff', id, paragraph: Number(paragraph) }
}

/** Empty for the notes of no certain space. */
export function hashOf(place: Place): string {
  if (place.kind === 'space') return place.id === undefined ? '' : `#space/${place.id}`
  if (place.kind !== 'diff') return `#${place.kind}`
  return `#diff/${place.id}${place.paragraph === undefined ? '' : `/${place.paragraph}`}`
}
