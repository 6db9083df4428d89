/** Somebody's whole diff·log profile: some weeks of digests, what was starred in them, and summaries. */
import { Random } from '../support/random.ts'
import type { Client } from './difflog-client/client.ts'
import { diffOf, starOf, tldrOf } from './difflog-stage.ts'

export const WHOLE = { diffs: 50, diffBytes: 20_000, stars: 100, tldrs: 30 } as const

const WORDS = 'compiler kernel release борщ パッチ faster <b>smaller</b> `cargo` [link](https://example.org/a) 🦀 index'.split(' ')

/** A digest of about 20 kB: sections of news, one paragraph or list item each. */
function content(random: Random, day: number): string {
  const parts = [`# Day ${day}`]
  while (Buffer.byteLength(parts.join('\n\n')) < WHOLE.diffBytes) {
    const words = Array.from({ length: 20 + random.below(40) }, () => WORDS[random.below(WORDS.length)])
    parts.push(random.below(4) === 0 ? `## ${words.slice(0, 4).join(' ')}` : `- ${words.join(' ')}`)
  }
  return parts.join('\n\n')
}

/** @returns the text of each diff by its title */
export function fillProfile(author: Client, seed: number): ReadonlyMap<string, string> {
  const random = new Random(seed)
  const { profile } = author
  for (let day = 1; day <= WHOLE.diffs; day++) profile.put('diffs', { ...diffOf(`d${day}`, day), content: content(random, day) })
  for (let i = 0; i < WHOLE.stars; i++) {
    profile.put('stars', starOf(`d${1 + (i % WHOLE.diffs)}`, 1 + Math.floor(i / WHOLE.diffs)))
  }
  for (let i = 1; i <= WHOLE.tldrs; i++) profile.put('tldrs', tldrOf(`d${i}`, 1))
  return new Map(profile.all('diffs').map((diff) => [diff.title, diff.content]))
}
