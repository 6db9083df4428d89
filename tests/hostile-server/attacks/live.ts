/** Live connections, and syncing that goes on by itself. The others write while the victim is connected. */
import { concatBytes } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment } from '@lockstep/protocol/chain'
import { type DeliveredSegment, encodeDelivery, encodePosition, type Position } from '@lockstep/protocol/records'
import { type Attack, type AttackParts, during } from '../attack.ts'
import type { Control, LiveVictim } from '../control.ts'
import { problem } from '../exchange.ts'
import { altered, flipped, flippedTag, forgedAfter, noise, sealedByAttacker } from '../forging.ts'
import { type Log, sha256 } from '../honest-server.ts'

const HIJACK = 'RFC 6455 (The WebSocket Protocol), section 10'
const SUNDR = 'Li, Krohn, Mazières, Shasha, "Secure Untrusted Data Repository (SUNDR)", OSDI 2004'
const CLOUD = 'Hofmann, Truong, "End-to-End Encrypted Cloud Storage in the Wild: A Broken Ecosystem", CCS 2024 (injected files)'
const LENGTHS = 'CWE-789 (memory allocation with excessive size value)'
const STORM = 'RFC 6455, section 7.2.3 (recovering from abnormal closure)'
const RETRY = 'RFC 9110, section 10.2.3 (Retry-After)'

const PULLS = 'takes it for nothing but a reason to pull'

const message = (position: Position, segments: readonly DeliveredSegment[]): Uint8Array =>
  concatBytes(encodePosition(position), ...segments.map(encodeDelivery))

/** Whenever somebody else has written, `tell` says something about it. `news` are the segments since the last time. */
const telling = (
  name: string,
  rules: readonly string[],
  source: string,
  client: string,
  tell: (victim: LiveVictim, log: Log, news: readonly DeliveredSegment[]) => void,
): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) => {
    control.live((victim) => {
      let told = control.anchor.sequence
      control.onNews((log) => {
        tell(
          victim,
          log,
          log.segments.filter(({ last }) => last > told),
        )
        told = log.position.head
      })
    })
  },
})

/** Segments in place of the news, with a chain and a position that fit. */
const pretending = (
  name: string,
  source: string,
  client: string,
  change: (news: readonly DeliveredSegment[], round: number) => readonly DeliveredSegment[],
): AttackParts => ({
  name,
  rules: ['LOG-7', 'ENV-2'],
  source,
  client,
  install: (control: Control) => {
    control.live((victim) => {
      let { sequence, chain } = control.anchor
      let told = sequence
      let round = 0
      control.onNews(({ position, segments }) => {
        const news = segments.filter(({ last }) => last > told)
        told = position.head
        const shown = change(news, round++).map((segment) => {
          sequence++
          chain = extendChain(sha256, chain, identifySegment(sha256, segment))
          return { ...segment, first: sequence, last: sequence }
        })
        victim.send(message({ head: sequence, chain, generation: position.generation }, shown))
      })
    })
  },
})

export const LIVE: readonly Attack[] = [
  ...during('live', [
    telling('garbage-frames', ['LOG-7'], HIJACK, PULLS, (victim) => victim.send(noise(300))),
    telling('empty-frames', ['LOG-7'], HIJACK, PULLS, (victim) => victim.send(new Uint8Array(0))),
    telling('frames-of-another-version', ['LOG-7', 'SEG-1'], HIJACK, PULLS, (victim, { position, segments }) => {
      const frame = message(position, segments.slice(-1))
      frame[0] = 2
      victim.send(frame)
    }),
    telling('frames-cut-short', ['LOG-7'], HIJACK, PULLS, (victim, { position }, news) =>
      victim.send(message(position, news).slice(0, -9)),
    ),
    telling('frames-with-a-gap', ['LOG-7'], SUNDR, PULLS, (victim, { position }, news) =>
      victim.send(
        message(
          { ...position, head: position.head + 7 },
          news.map((segment) => ({ ...segment, first: segment.first + 7, last: segment.last + 7 })),
        ),
      ),
    ),
    telling('frames-from-the-past', ['LOG-7'], SUNDR, 'has them already', (victim, { position, segments }) =>
      victim.send(message(position, segments)),
    ),
    telling('frames-with-another-chain', ['LOG-4', 'LOG-7'], SUNDR, PULLS, (victim, { position }, news) =>
      victim.send(message({ ...position, chain: flipped(position.chain, 0) }, news)),
    ),
    telling('frames-with-altered-segments', ['LOG-4', 'LOG-7'], CLOUD, PULLS, (victim, { position }, news) =>
      victim.send(
        message(
          position,
          news.map((segment) => altered(segment, { sealed: flippedTag(segment.sealed) })),
        ),
      ),
    ),
    telling('frames-of-a-great-head', ['LOG-7'], SUNDR, PULLS, (victim, { position }) =>
      victim.send(message({ ...position, head: Number.MAX_SAFE_INTEGER }, [])),
    ),
    telling('frames-that-lower-the-head', ['LOG-7'], SUNDR, 'is not behind, and pulls at most', (victim, { position }) =>
      victim.send(message({ ...position, head: 0, chain: new Uint8Array(32) }, [])),
    ),
    telling('frames-of-sixteen-megabytes', ['LOG-7', 'HTTP-3'], LENGTHS, PULLS, (victim, { position }) => {
      const frame = new Uint8Array(16 * 1024 * 1024)
      frame.set(encodePosition(position))
      new DataView(frame.buffer).setUint32(57, frame.length - 61)
      victim.send(frame)
    }),
    telling('silence', ['LOG-7'], SUNDR, 'learns of nothing until its next pull, which it makes as ever', () => {}),
    pretending('live-news-withheld', SUNDR, 'names it at the next segment whose author had seen them', (news, round) =>
      round === 0 ? [] : news,
    ),
    pretending('live-news-forged', CLOUD, 'sets it aside and names it', (news) => [
      ...news,
      ...news.slice(-1).map((segment) => forgedAfter(segment, sealedByAttacker(noise(64)))),
    ]),
    pretending('live-news-altered', CLOUD, 'sets them aside and names them', (news) =>
      news.map((segment) => altered(segment, { sealed: flippedTag(segment.sealed) })),
    ),
  ]),
  ...during('watch', [
    {
      name: 'live-closes-at-once',
      rules: ['KEY-9'],
      source: STORM,
      client: 'comes back more and more slowly',
      install: (control) => control.live((victim) => victim.close(1006)),
    },
    {
      name: 'live-closes-as-unfit',
      rules: ['KEY-9', 'LOG-4'],
      source: STORM,
      client: 'pulls, finds nothing wrong, and comes back more and more slowly',
      install: (control) => control.live((victim) => victim.close(4409)),
    },
    {
      name: 'live-says-signed-out',
      rules: ['KEY-1', 'KEY-9'],
      source: STORM,
      client: 'asks once and stops',
      install: (control) => control.live((victim) => victim.close(4401)),
    },
    {
      name: 'never-signed-in',
      rules: ['KEY-1'],
      source: STORM,
      client: 'asks once and stops: no request after the first 401',
      install: (control) => control.answer('GET', /./, () => problem('unauthorized')),
    },
    {
      name: 'never-ready',
      rules: ['HTTP-1'],
      source: STORM,
      client: 'comes back more and more slowly',
      install: (control) => control.answer('GET', /./, () => problem('server-error')),
    },
    {
      name: 'wait-for-thirty-years',
      rules: ['HTTP-1'],
      source: RETRY,
      client: 'waits no longer than is of use, and no shorter than ever: a timer of more than 2^31 milliseconds fires at once',
      install: (control) => control.answer('GET', /./, () => problem('too-many-requests', {}, { 'retry-after': '1000000000' })),
    },
    {
      name: 'wait-for-less-than-nothing',
      rules: ['HTTP-1'],
      source: RETRY,
      client: 'waits as ever',
      install: (control) => control.answer('GET', /./, () => problem('too-many-requests', {}, { 'retry-after': '-5' })),
    },
    {
      name: 'wait-for-no-number',
      rules: ['HTTP-1'],
      source: RETRY,
      client: 'waits as ever',
      install: (control) => control.answer('GET', /./, () => problem('too-many-requests', {}, { 'retry-after': '1e999' })),
    },
  ]),
]
