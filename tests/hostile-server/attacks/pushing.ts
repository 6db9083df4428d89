/** Lies about what was pushed: taken and not kept, refused without reason, refused for ever; and about the time. */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment } from '@lockstep/protocol/chain'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { decodePush, encodePushAnswer } from '@lockstep/protocol/records'
import { type Attack, type AttackParts, during } from '../attack.ts'
import { type Control, PULL, PUSH } from '../control.ts'
import { json, problem, type Reply } from '../exchange.ts'
import { flipped, noise } from '../forging.ts'
import { sha256 } from '../honest-server.ts'
import { segmentsReply } from '../shown-log.ts'

const DEPOT = 'Mahajan, Setty, Lee, Clement, Alvisi, Dahlin, Walfish, "Depot: Cloud Storage with Minimal Trust", OSDI 2010'
const VENUS = 'Shraer, Cachin, Cidon, Keidar, Michalevsky, Shaket, "Venus: Verification for Untrusted Cloud Storage", CCSW 2010'
const SPORC = 'Feldman, Zeller, Freedman, Felten, "SPORC: Group Collaboration using Untrusted Cloud Resources", OSDI 2010'
const ENDLESS =
  'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (endless data, slow retrieval)'
const CLOCK =
  'RFC 9110, section 6.6.1 (Date), and Malhotra, Cohen, Brakke, Goldberg, "Attacking the Network Time Protocol", NDSS 2016'
const RETRY = 'RFC 9110, section 10.2.3 (Retry-After)'

const NAMES_IT = 'names it, keeps what it has to send, and stops trying by itself or tries later'

const records = (body: Uint8Array | undefined) => decodePush(body ?? new Uint8Array(0))

const refusal = (
  name: string,
  rules: readonly string[],
  source: string,
  client: string,
  make: (control: Control) => Reply,
): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) => control.answer(...PUSH, () => make(control)),
})

const answered = (name: string, client: string, change: Parameters<Control['changePushAnswer']>[0]): AttackParts => ({
  name,
  rules: ['LOG-4', 'LOG-5'],
  source: DEPOT,
  client,
  install: (control) => control.changePushAnswer(change),
})

const dated = (name: string, at: string): AttackParts => ({
  name,
  rules: ['CELL-8', 'CELL-9'],
  source: CLOCK,
  client: 'tells the person that the clocks differ; changes no stamp and purges nothing because of it',
  install: (control) =>
    control.intercept(async (_exchange, next) => {
      const answer = await next()
      return { ...answer, headers: { ...answer.headers, date: at } }
    }),
})

export const PUSHING: readonly Attack[] = during('push', [
  {
    name: 'acknowledged-and-not-stored',
    rules: ['SYNC-2', 'LOG-3'],
    source: DEPOT,
    client: 'finds out at its next push, which has a predecessor that the server does not have; sends it again or says so',
    install: (control) => {
      let { sequence, chain } = control.anchor
      let generation: Uint8Array = new Uint8Array(16)
      control.answer(...PULL, async () => {
        generation = (await control.log()).position.generation
        return segmentsReply({ head: sequence, chain, generation }, [])
      })
      let first = true
      control.intercept(async (exchange, next) => {
        if (!first || exchange.method !== PUSH[0] || exchange.path !== PUSH[1]) return next()
        first = false
        generation = (await control.log()).position.generation
        const sequences = records(exchange.request.body).map((record) => {
          chain = extendChain(sha256, chain, identifySegment(sha256, record))
          return ++sequence
        })
        const body = encodePushAnswer({ position: { head: sequence, chain, generation }, sequences })
        return { status: 200, headers: { 'content-type': SEGMENTS_MEDIA_TYPE }, body }
      })
    },
  },
  {
    name: 'known-already-and-not-stored',
    rules: ['SYNC-2', 'LOG-3'],
    source: DEPOT,
    client: 'finds out at its next push; what it wrote is still in its database',
    install: (control) => {
      let first = true
      control.intercept((exchange, next) => {
        if (!first || exchange.method !== PUSH[0] || exchange.path !== PUSH[1]) return next()
        first = false
        const last = records(exchange.request.body).at(-1)
        if (last === undefined) return next()
        return problem('replica-conflict', { counter: last.counter, previous: toBase64Url(sha256(last.sealed)) })
      })
    },
  },
  {
    name: 'stored-and-hidden-from-its-author',
    rules: ['LOG-4', 'LOG-8'],
    source: SPORC,
    client: 'sees that its own segment is not in the log that it is shown, or keeps it and is in step',
    install: (control) =>
      control.changePull(({ position, segments }) => ({
        position,
        segments: segments.filter(({ last }) => last < position.head),
      })),
  },
  answered('other-sequence-numbers', 'believes its pull, not the numbers', ({ position, sequences }) => ({
    position,
    sequences: sequences.map((sequence) => sequence + 1000),
  })),
  answered('the-same-sequence-number-for-all', 'believes its pull, not the numbers', ({ position, sequences }) => ({
    position,
    sequences: sequences.map(() => 1),
  })),
  answered('too-few-sequence-numbers', 'refuses the answer', ({ position }) => ({ position, sequences: [] })),
  answered('too-many-sequence-numbers', 'refuses the answer', ({ position, sequences }) => ({
    position,
    sequences: [...sequences, ...sequences],
  })),
  answered('another-chain-for-a-push', 'asks what the log is, and finds that nothing is wrong', ({ position, sequences }) => ({
    position: { ...position, chain: flipped(position.chain, 5) },
    sequences,
  })),
  answered('a-head-below-the-push', 'asks what the log is, and finds that nothing is wrong', ({ position, sequences }) => ({
    position: { ...position, head: 0, chain: new Uint8Array(32) },
    sequences,
  })),
  answered('the-greatest-sequence-numbers', 'believes its pull, not the numbers', ({ position, sequences }) => ({
    position: { ...position, head: Number.MAX_SAFE_INTEGER },
    sequences: sequences.map(() => Number.MAX_SAFE_INTEGER),
  })),
  refusal(
    'replica-conflict-for-ever',
    ['LOG-3'],
    VENUS,
    'makes a few new replicas at most, then gives up and keeps its edits',
    () => problem('replica-conflict', { counter: 1 + Math.floor(Math.random() * 1000), previous: toBase64Url(noise(32)) }),
  ),
  refusal('replica-conflict-with-the-greatest-counter', ['LOG-3'], VENUS, NAMES_IT, () =>
    problem('replica-conflict', { counter: Number.MAX_SAFE_INTEGER, previous: toBase64Url(noise(32)) }),
  ),
  refusal('replica-conflict-that-lost-everything', ['LOG-3', 'LOG-9'], DEPOT, 'says how much was lost, or sends it again', () =>
    problem('replica-conflict', { counter: 0, previous: toBase64Url(new Uint8Array(32)) }),
  ),
  refusal('replica-conflict-without-a-word', ['HTTP-1', 'LOG-3'], VENUS, NAMES_IT, () => problem('replica-conflict')),
  refusal('replica-conflict-in-nonsense', ['HTTP-1', 'LOG-3'], VENUS, NAMES_IT, () =>
    problem('replica-conflict', { counter: '1e400', previous: { length: 32 } }),
  ),
  refusal(
    'epoch-closed-without-a-rotation',
    ['KEY-2', 'KEY-4'],
    VENUS,
    'opens no epoch for a word of the server: names it and keeps its edits',
    () => problem('epoch-closed', { epoch: 2, counter: 0, previous: toBase64Url(new Uint8Array(32)) }),
  ),
  refusal('epoch-closed-by-the-last-epoch', ['KEY-4'], VENUS, NAMES_IT, () =>
    problem('epoch-closed', { epoch: 0xffff_ffff, counter: 0, previous: toBase64Url(new Uint8Array(32)) }),
  ),
  refusal('epoch-closed-in-nonsense', ['HTTP-1', 'KEY-4'], VENUS, NAMES_IT, () => problem('epoch-closed', { epoch: 'last' })),
  refusal('quota-that-is-not-exceeded', ['HTTP-1'], DEPOT, NAMES_IT, () => problem('quota-exceeded', { quota: 1 })),
  refusal('too-large-for-no-reason', ['HTTP-3'], DEPOT, NAMES_IT, () => problem('too-large')),
  refusal('bad-segment-for-no-reason', ['HTTP-1'], DEPOT, NAMES_IT, () => problem('bad-segment')),
  refusal('broken-for-ever', ['HTTP-1'], DEPOT, NAMES_IT, () => problem('server-error')),
  refusal('not-signed-in-for-no-reason', ['KEY-1'], DEPOT, 'drops the session, asks once, keeps data and keys', () =>
    problem('unauthorized'),
  ),
  refusal('come-back-in-thirty-years', ['HTTP-1'], RETRY, NAMES_IT, () =>
    problem('too-many-requests', {}, { 'retry-after': '1000000000' }),
  ),
  refusal('a-push-answered-in-json', ['SEG-1'], DEPOT, 'refuses the answer', () => json({ ok: true })),
  refusal('a-push-answered-with-nothing', ['SEG-1'], DEPOT, NAMES_IT, () => ({
    status: 204,
    headers: {},
    body: new Uint8Array(0),
  })),
  {
    name: 'a-push-answered-without-end',
    rules: ['SEG-1'],
    source: ENDLESS,
    client: 'stops reading after no more than an answer can be',
    install: (control) => control.change(...PUSH, (answer) => ({ ...answer, body: endless() })),
  },
  dated('a-clock-of-ten-years-ago', 'Tue, 01 Jan 2016 00:00:00 GMT'),
  dated('a-clock-of-a-hundred-years-ahead', 'Fri, 01 Jan 2126 00:00:00 GMT'),
  dated('a-clock-that-is-none', 'yesterday'),
])

/** 64 KiB at a time, up to a gibibyte: a client that reads it all fails the test, and the test ends. */
export async function* endless(): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(64 * 1024).fill(1)
  for (let i = 0; i < 16 * 1024; i++) yield chunk
}
