/**
 * Merged segments, altered. The log's older part, half of the news among it, has been merged into a run of several parts that
 * begins with the log; the other half follows as it was pushed.
 */
import { type DeliveredSegment, SEGMENT_KIND } from '@lockstep/protocol/records'
import { type Act, type Attack, type AttackParts, during } from '../attack.ts'
import { PULL } from '../control.ts'
import { altered, flipped, flippedTag, noise, sealedByAttacker } from '../forging.ts'

const CLOUD =
  'Hofmann, Truong, "End-to-End Encrypted Cloud Storage in the Wild: A Broken Ecosystem", CCS 2024 (swapped and missing chunks)'
const MIX =
  'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (mix-and-match attack)'
const SUNDR = 'Li, Krohn, Mazières, Shasha, "Secure Untrusted Data Repository (SUNDR)", OSDI 2004'

type Change = (run: readonly DeliveredSegment[], rest: readonly DeliveredSegment[]) => readonly DeliveredSegment[]

const REFUSES = 'refuses the run and holds nothing of it for complete'

/** What is delivered, in the order that was asked for: the parts of the run, and all else. */
const merged = (name: string, rules: readonly string[], source: string, client: string, change: Change): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) =>
    control.changePull(({ position, segments }) => {
      const run = segments.filter(({ kind }) => kind === SEGMENT_KIND.merged)
      const rest = segments.filter(({ kind }) => kind !== SEGMENT_KIND.merged)
      if (run.length === 0) return { position, segments }
      const newest = (rest[0]?.first ?? 0) > (rest.at(-1)?.first ?? 0)
      const first = segments[0]?.kind === SEGMENT_KIND.merged
      const shown = change(run, newest ? rest.toReversed() : rest)
      const parts = shown.filter(({ kind }) => kind === SEGMENT_KIND.merged)
      const others = shown.filter(({ kind }) => kind !== SEGMENT_KIND.merged)
      if (newest) others.reverse()
      return { position, segments: first ? [...parts, ...others] : [...others, ...parts] }
    }),
})

const each =
  (change: (segment: DeliveredSegment, i: number) => DeliveredSegment): Change =>
  (run, rest) => [...run.map(change), ...rest]

const ATTACKS: readonly AttackParts[] = [
  merged('without-its-first-part', ['LOG-6'], CLOUD, REFUSES, (run, rest) => [...run.slice(1), ...rest]),
  merged('without-its-last-part', ['LOG-6'], CLOUD, REFUSES, (run, rest) => [...run.slice(0, -1), ...rest]),
  merged('parts-in-the-wrong-order', ['LOG-6'], CLOUD, REFUSES, (run, rest) => [...run.toReversed(), ...rest]),
  merged('a-part-twice', ['LOG-6'], CLOUD, 'refuses the run, or merges it once more: merging is idempotent', (run, rest) => [
    ...run.slice(0, 1),
    ...run,
    ...rest,
  ]),
  merged(
    'the-whole-run-twice',
    ['LOG-6'],
    CLOUD,
    'refuses the answer, or merges it once more: merging is idempotent',
    (run, rest) => [...run, ...run, ...rest],
  ),
  merged('the-first-part-for-all-parts', ['LOG-6'], CLOUD, REFUSES, (run, rest) => [
    ...run.map(() => run[0] as DeliveredSegment),
    ...rest,
  ]),
  merged('a-part-with-a-bit-flipped', ['ENV-2', 'LOG-6'], CLOUD, REFUSES, (run, rest) => [
    ...run.map((part, i) => (i === run.length - 1 ? altered(part, { sealed: flippedTag(part.sealed) }) : part)),
    ...rest,
  ]),
  merged('parts-swapped', ['LOG-6', 'LOG-8'], MIX, REFUSES, (run, rest) => [
    ...run.map((part, i) => altered(part, { sealed: (run[run.length - 1 - i] as DeliveredSegment).sealed })),
    ...rest,
  ]),
  merged('more-than-it-is', ['LOG-6'], SUNDR, REFUSES, (run, rest) => [
    ...run.map((part) => ({ ...part, last: part.last + 1 })),
    ...rest.slice(1),
  ]),
  merged('more-than-it-is-with-a-counter-that-fits', ['ENV-3', 'LOG-6'], SUNDR, REFUSES, (run, rest) => [
    ...run.map((part) => ({ ...part, last: part.last + 1, counter: part.last + 1 })),
    ...rest.slice(1),
  ]),
  merged('all-that-there-is', ['LOG-6'], SUNDR, REFUSES, (run, rest) => [
    ...run.map((part) => ({ ...part, last: rest.at(-1)?.last ?? part.last })),
  ]),
  merged(
    'less-than-it-is',
    ['LOG-6'],
    SUNDR,
    REFUSES,
    each((part) => ({ ...part, last: part.last - 1 })),
  ),
  merged(
    'a-later-beginning',
    ['LOG-6'],
    SUNDR,
    REFUSES,
    each((part) => ({ ...part, first: Math.min(part.last, part.first + 1) })),
  ),
  merged(
    'another-counter',
    ['ENV-3', 'LOG-6'],
    MIX,
    REFUSES,
    each((part) => altered(part, { counter: part.counter - 1 })),
  ),
  merged(
    'another-previous',
    ['LOG-6'],
    MIX,
    REFUSES,
    each((part) => altered(part, { previous: flipped(part.previous, 0) })),
  ),
  merged(
    'another-author',
    ['ENV-3'],
    MIX,
    REFUSES,
    each((part) => altered(part, { replica: flipped(part.replica, 0) })),
  ),
  merged(
    'another-epoch',
    ['ENV-3'],
    MIX,
    REFUSES,
    each((part) => altered(part, { epoch: part.epoch + 1 })),
  ),
  merged(
    'as-deltas',
    ['ENV-3', 'LOG-6'],
    MIX,
    'does not take a part for what one author wrote',
    each((part) => altered(part, { kind: SEGMENT_KIND.delta })),
  ),
  merged(
    'as-seeds',
    ['ENV-3', 'LOG-9'],
    MIX,
    'does not take a part for a seed',
    each((part) => altered(part, { kind: SEGMENT_KIND.seed })),
  ),
  merged('a-run-of-the-attacker’s', ['ENV-2', 'LOG-6'], CLOUD, REFUSES, (run, rest) => [
    ...run.slice(0, 1).map((part) => altered(part, { sealed: sealedByAttacker(noise(200)) })),
    ...rest,
  ]),
  {
    name: 'as-it-was-before-it-was-merged',
    rules: ['LOG-6'],
    source: MIX,
    client: 'comes to the same by either',
    install: (control) =>
      control.answer(...PULL, async ({ client, request }) => {
        const copy = await control.server.replay(({ exchange }) => !exchange.path.startsWith('/v1/segments/merged'))
        const answer = await copy.handle(client, request)
        await copy.close()
        return answer
      }),
  },
  merged('no-run-at-all', ['LOG-6'], SUNDR, 'sees that the log has a hole', (_run, rest) => rest),
  merged('a-delta-as-a-run', ['ENV-3', 'LOG-6'], MIX, REFUSES, (run, rest) => [
    ...run,
    ...rest.map((segment, i) => (i === 0 ? altered(segment, { kind: SEGMENT_KIND.merged, counter: segment.last }) : segment)),
  ]),
]

const named = (act: Act, prefix: string): Attack[] =>
  during(
    act,
    ATTACKS.map((attack) => ({ ...attack, name: `${prefix}: ${attack.name}` })),
  )

export const MERGED: readonly Attack[] = [...named('pull-merged', 'run'), ...named('join-merged', 'run for a new device')]
