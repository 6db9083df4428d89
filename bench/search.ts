/**
 * Search as you type: the newest twenty notes for every kind of prefix of two letters or more, and for two words.
 *
 *     node bench/search.ts --notes 100000
 */
import { Random } from '../tests/support/random.ts'
import { ask, type Figure, median, quantile } from './support/report.ts'
import { onStage } from './support/stage.ts'
import { Writer } from './support/words.ts'

const SEED = 4
const WORDS = 300
const LONGEST_PREFIX = 6

/** Prefixes of words as they are typed, by length; words as frequent as in the notes. */
function prefixes(): Map<string, string[]> {
  const writer = new Writer(new Random(SEED).fork())
  const words = Array.from({ length: WORDS }, () => writer.word().toLowerCase())
  const out = new Map<string, string[]>()
  for (let length = 2; length <= LONGEST_PREFIX; length++) {
    out.set(
      `${length} letters`,
      words.filter((word) => word.length >= length).map((word) => word.slice(0, length)),
    )
  }
  out.set(
    'a word and 2 letters',
    words.map((word, i) => `${word} ${(words[(i + 1) % words.length] as string).slice(0, 2)}`),
  )
  return out
}

/** Every two letters there are: the worst case is one of them. */
function everyPair(): string[] {
  const letters = [...'abcdefghijklmnopqrstuvwxyz']
  return letters.flatMap((first) => letters.map((second) => first + second))
}

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  return onStage(async ({ device }) => {
    const actor = await device()
    await actor.call('fill', { seed: SEED, count: notes, size: 'mixed' })
    const figures: Figure[] = []
    const all: number[] = []
    for (const [label, queries] of prefixes()) {
      const { millis } = await actor.call('search', queries)
      all.push(...millis)
      figures.push({ label: `median, ${label}`, value: median(millis), unit: 'ms', better: 'less', goal: 25 })
    }
    const pairs = await actor.call('search', everyPair())
    const usage = await actor.call('usage')
    return [
      { label: 'median of all', value: median(all), unit: 'ms', better: 'less', goal: 25 },
      { label: 'p99 of all', value: quantile(all, 0.99), unit: 'ms', better: 'less' },
      ...figures,
      { label: 'slowest of every two letters', value: quantile(pairs.millis, 1), unit: 'ms', better: 'less' },
      { label: 'of 676 pairs of letters, found', value: pairs.found, unit: '', better: 'more' },
      { label: 'memory, index made in the same process', value: usage.peak / 1e6, unit: 'MB', better: 'less' },
    ]
  })
}

await ask({
  title: ({ notes }) => `search as you type, ${notes} notes`,
  file: 'search.ts',
  numbers: { notes: 100_000 },
  run: measure,
})
