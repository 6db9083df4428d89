/** The right segments, altered: swapped between places, cut, with single bits the other way. Chain and numbers fit the lie. */
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import { type Attack, type AttackParts, during } from '../attack.ts'
import { altered, flipped, flippedTag, SEALED_PARTS } from '../forging.ts'
import { sha256 } from '../honest-server.ts'
import { type News, replaceNth, withFour } from './news.ts'

const MEGA = 'Backendal, Haller, Paterson, "MEGA: Malleable Encryption Goes Awry", IEEE S&P 2023'
const CLOUD =
  'Hofmann, Truong, "End-to-End Encrypted Cloud Storage in the Wild: A Broken Ecosystem", CCS 2024 (swapped chunks and metadata)'
const COMMITMENT =
  'Albertini, Duong, Gueron, Kölbl, Luykx, Schmieg, "How to Abuse and Fix Authenticated Encryption Without Key Commitment", USENIX Security 2022'
const GCM = 'McGrew, Viega, "The Security and Performance of the Galois/Counter Mode", INDOCRYPT 2004'
const REPLAY = 'Cappos, Samuel, Baker, Hartman, "A Look in the Mirror: Attacks on Package Managers", CCS 2008 (replay attack)'

const shown = (
  name: string,
  rules: readonly string[],
  source: string,
  client: string,
  change: (news: News) => News,
): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) => control.show(change),
})

const SET_ASIDE = 'sets the segment aside without merging anything of it, and names it'

const flip = (part: keyof typeof SEALED_PARTS, source: string): AttackParts =>
  shown(`flip-${part}`, ['ENV-1', 'ENV-2'], source, SET_ASIDE, (news) =>
    replaceNth(news, 0, (segment) => altered(segment, { sealed: flipped(segment.sealed, SEALED_PARTS[part]) })),
  )

/** The second segment with one field of its header changed. */
const header = (name: string, field: string, change: (segment: News[number]) => News[number]): AttackParts =>
  shown(name, ['ENV-3', 'LOG-8'], CLOUD, `does not take the content for one with another ${field}: ${SET_ASIDE}`, (news) =>
    replaceNth(news, 1, change),
  )

export const TAMPERING: readonly Attack[] = during('pull', [
  flip('version', COMMITMENT),
  flip('salt', COMMITMENT),
  flip('commitment', COMMITMENT),
  flip('ciphertext', GCM),
  shown('flip-tag', ['ENV-2'], GCM, SET_ASIDE, (news) =>
    replaceNth(news, 0, (segment) => altered(segment, { sealed: flippedTag(segment.sealed) })),
  ),
  shown('truncate-sealed', ['ENV-2', 'ENV-4'], MEGA, SET_ASIDE, (news) =>
    replaceNth(news, 0, (segment) => altered(segment, { sealed: segment.sealed.slice(0, -1) })),
  ),
  shown('truncate-sealed-to-one-byte', ['ENV-2'], MEGA, SET_ASIDE, (news) =>
    replaceNth(news, 0, (segment) => altered(segment, { sealed: segment.sealed.slice(0, 1) })),
  ),
  shown('lengthen-sealed', ['ENV-2'], MEGA, SET_ASIDE, (news) =>
    replaceNth(news, 0, (segment) => altered(segment, { sealed: new Uint8Array([...segment.sealed, 0]) })),
  ),
  shown('swap-between-counters', ['ENV-3', 'LOG-8'], CLOUD, SET_ASIDE, (news) =>
    withFour(news, ([a, b, ...rest], later) => [
      altered(a, { sealed: b.sealed }),
      altered(b, { sealed: a.sealed }),
      ...rest,
      ...later,
    ]),
  ),
  shown('swap-between-replicas', ['ENV-3', 'LOG-8'], CLOUD, SET_ASIDE, (news) =>
    withFour(news, ([a, b, c, d], later) => [altered(a, { sealed: c.sealed }), b, altered(c, { sealed: a.sealed }), d, ...later]),
  ),
  shown('same-content-twice', ['ENV-3', 'LOG-8'], REPLAY, SET_ASIDE, (news) =>
    withFour(news, ([a, b, ...rest], later) => [a, altered(b, { sealed: a.sealed }), ...rest, ...later]),
  ),
  header('other-replica', 'author', (segment) => altered(segment, { replica: flipped(segment.replica, 3) })),
  header('other-counter', 'counter', (segment) => altered(segment, { counter: segment.counter + 1 })),
  header('huge-counter', 'counter', (segment) => altered(segment, { counter: Number.MAX_SAFE_INTEGER })),
  header('later-epoch', 'epoch', (segment) => altered(segment, { epoch: segment.epoch + 1 })),
  header('last-epoch', 'epoch', (segment) => altered(segment, { epoch: 0xffff_ffff })),
  header('void-kind', 'kind', (segment) => altered(segment, { kind: SEGMENT_KIND.void })),
  header('seed-kind', 'kind', (segment) => altered(segment, { kind: SEGMENT_KIND.seed })),
  header('merged-kind', 'kind', (segment) => altered(segment, { kind: SEGMENT_KIND.merged })),
  header('other-previous', 'predecessor', (segment) => altered(segment, { previous: flipped(segment.previous, 0) })),
  shown(
    'covered-up-withholding',
    ['LOG-8', 'ENV-3'],
    'Mazières, Shasha, "Building Secure File Systems out of Byzantine Storage", PODC 2002',
    'sees that the renumbered segment does not open in its new place',
    (news) =>
      withFour(news, ([a, b, ...rest], later) => [altered(b, { counter: a.counter, previous: a.previous }), ...rest, ...later]),
  ),
  shown(
    'replay-segment',
    ['LOG-1'],
    REPLAY,
    'merges nothing anew: merging is idempotent; may say that the segment came again',
    (news) => withFour(news, ([a, b, c, d], later) => [a, b, c, d, a, ...later]),
  ),
  shown('replay-as-the-next', ['ENV-3', 'LOG-8'], REPLAY, SET_ASIDE, (news) =>
    withFour(news, ([a, b, c, d], later) => [
      a,
      b,
      c,
      d,
      altered(a, { counter: d.counter + 1, previous: sha256(d.sealed) }),
      ...later,
    ]),
  ),
  shown('delete-replayed-for-another', ['ENV-3', 'SYNC-3'], REPLAY, 'deletes nothing', (news) =>
    withFour(news, ([a, b, c, d], later) => [
      a,
      b,
      c,
      d,
      altered(d, { replica: c.replica, counter: c.counter + 1, previous: sha256(c.sealed) }),
      ...later,
    ]),
  ),
  shown('reorder-one-author', ['LOG-1'], REPLAY, 'says that counters come in the wrong order; loses nothing', (news) =>
    withFour(news, ([a, b, ...rest], later) => [b, a, ...rest, ...later]),
  ),
  shown('reorder-authors', ['LOG-8'], REPLAY, 'says that somebody had seen what comes later; loses nothing', (news) =>
    withFour(news, ([a, b, c, d], later) => [c, a, b, d, ...later]),
  ),
  {
    name: 'reorder-in-the-answer',
    rules: ['LOG-4'],
    source: REPLAY,
    client: 'refuses a log whose numbers do not follow each other',
    install: (control) => control.changePull(({ position, segments }) => ({ position, segments: segments.toReversed() })),
  },
  {
    name: 'duplicate-in-the-answer',
    rules: ['LOG-4'],
    source: REPLAY,
    client: 'takes it once',
    install: (control) =>
      control.changePull(({ position, segments }) => ({ position, segments: segments.flatMap((segment) => [segment, segment]) })),
  },
  {
    name: 'altered-without-a-new-chain',
    rules: ['LOG-4'],
    source: MEGA,
    client: 'sees that chain and segments do not fit, and names the segment or the server',
    install: (control) =>
      control.changePull(({ position, segments }) => ({
        position,
        segments: segments.map((segment, i) => (i === 0 ? altered(segment, { sealed: flippedTag(segment.sealed) }) : segment)),
      })),
  },
])
