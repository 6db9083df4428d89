/** Damage to a file that no program did: a flipped bit, a lost sector, a page in another's place, an end cut off. */
import type { Random } from '../support/random.ts'

const SECTOR = 512
const PAGE = 4096

export const DAMAGES = ['bit', 'bit', 'bit', 'bit', 'bit', 'bit', 'bit', 'sector', 'page', 'end'] as const
export type Damage = (typeof DAMAGES)[number]

/** A damaged copy, and what was done to it in words. The copy always differs. */
export function damage(file: Uint8Array, kind: Damage, draw: Random): { readonly damaged: Uint8Array; readonly what: string } {
  for (;;) {
    const { damaged, what } = once(file, kind, draw)
    if (damaged.length !== file.length || Buffer.compare(damaged, file) !== 0) return { damaged, what }
  }
}

function once(file: Uint8Array, kind: Damage, draw: Random): { damaged: Uint8Array; what: string } {
  const damaged = Uint8Array.from(file)
  // What is smaller has no other page.
  if (kind === 'page' && file.length < 2 * PAGE) return once(file, 'bit', draw)
  const at = draw.below(file.length)
  switch (kind) {
    case 'bit': {
      const bit = draw.below(8)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
      return { damaged, what: `bit ${bit} of byte ${at}` }
    }
    case 'sector': {
      const start = at - (at % SECTOR)
      damaged.fill(0, start, start + SECTOR)
      return { damaged, what: `the sector at ${start}` }
    }
    case 'page': {
      const [from, to] = [at - (at % PAGE), draw.below(file.length)]
      const target = to - (to % PAGE)
      damaged.copyWithin(target, from, from + PAGE)
      return { damaged, what: `the page at ${from} also at ${target}` }
    }
    case 'end':
      return { damaged: damaged.slice(0, at), what: `everything from ${at} on` }
  }
}
