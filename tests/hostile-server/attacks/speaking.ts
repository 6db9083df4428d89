/** Answers that are not the protocol, another version of it, or far more of it than there can be. */
import { concatBytes, encodeUtf8 } from '@lockstep/protocol/bytes'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { type Attack, type AttackParts, during } from '../attack.ts'
import { PULL } from '../control.ts'
import { json, problem, type Reply, reply, wholeBody } from '../exchange.ts'
import { noise } from '../forging.ts'
import { endless } from './pushing.ts'

const DOWNGRADE =
  'Bhargavan, Brzuska, Fournet, Green, Kohlweiss, Zanella-Béguelin, "Downgrade Resilience in Key-Exchange Protocols", IEEE S&P 2016'
const ENDLESS =
  'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (endless data)'
const LENGTHS = 'CWE-789 (memory allocation with excessive size value)'
const JSON_MINEFIELD = 'Seriot, "Parsing JSON is a Minefield", 2016'
const CAPTIVE = 'RFC 8952 (captive portal architecture), section 1'
const POLLUTION = 'CVE-2019-10744 (prototype pollution in lodash)'
const HTTP = 'RFC 9110, section 15'

const REFUSES = 'refuses the answer and changes nothing'

const instead = (name: string, rules: readonly string[], source: string, client: string, make: () => Reply): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) => control.answer(...PULL, make),
})

const bytes = (
  name: string,
  rules: readonly string[],
  source: string,
  client: string,
  change: (bytes: Uint8Array) => Uint8Array,
): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) => control.changeBytes(...PULL, change),
})

const SEGMENTS = (body: Uint8Array | AsyncIterable<Uint8Array>): Reply => ({
  status: 200,
  headers: { 'content-type': SEGMENTS_MEDIA_TYPE },
  body,
})

const problemBody = (text: string, status = 409): Reply => reply(status, 'application/problem+json', text)

export const SPEAKING: readonly Attack[] = during('pull', [
  bytes('wire-version-0', ['SEG-1', 'HTTP-2'], DOWNGRADE, REFUSES, (answer) => concatBytes(Uint8Array.of(0), answer.subarray(1))),
  bytes(
    'wire-version-2',
    ['SEG-1', 'HTTP-2'],
    DOWNGRADE,
    'refuses the answer, and says that it cannot read this version',
    (answer) => concatBytes(Uint8Array.of(2), answer.subarray(1)),
  ),
  bytes('a-segment-kind-of-the-future', ['SEG-1'], DOWNGRADE, REFUSES, (answer) => {
    const out = answer.slice()
    if (out.length > 77) out[77] = 9
    return out
  }),
  bytes('epoch-0', ['SEG-1'], DOWNGRADE, REFUSES, (answer) => {
    const out = answer.slice()
    if (out.length > 82) out.fill(0, 78, 82)
    return out
  }),
  bytes('cut-in-the-middle-of-a-segment', ['SEG-1'], HTTP, 'keeps whole segments, and tries again', (answer) =>
    answer.slice(0, -1),
  ),
  bytes('cut-in-the-position', ['SEG-1'], HTTP, 'tries again', (answer) => answer.slice(0, 20)),
  bytes(
    'a-segment-of-four-gigabytes',
    ['SEG-1', 'HTTP-3'],
    LENGTHS,
    'refuses the length before it keeps anything for it',
    (answer) => concatBytes(answer.subarray(0, 57), Uint8Array.of(255, 255, 255, 255), noise(4096)),
  ),
  bytes('a-segment-of-three-bytes', ['SEG-1'], LENGTHS, REFUSES, (answer) =>
    concatBytes(answer.subarray(0, 57), Uint8Array.of(0, 0, 0, 3), noise(3)),
  ),
  bytes('noise-after-the-news', ['SEG-1'], HTTP, 'keeps what verifies; refuses or tries again', (answer) =>
    concatBytes(answer, noise(100)),
  ),
  {
    name: 'a-pull-without-end',
    rules: ['SEG-1', 'HTTP-3'],
    source: ENDLESS,
    client: 'stops reading as soon as it is no segment',
    install: (control) =>
      control.change(...PULL, async (answer) => SEGMENTS(followedBy((await wholeBody(answer)).subarray(0, 57), endless()))),
  },
  {
    name: 'the-same-segment-without-end',
    rules: ['LOG-5', 'SEG-1'],
    source: ENDLESS,
    client: 'stops reading an answer that repeats itself, in bounded memory',
    install: (control) =>
      control.change(...PULL, async (answer) => {
        const whole = await wholeBody(answer)
        const length = whole.length > 61 ? 61 + new DataView(whole.buffer, whole.byteOffset).getUint32(57) : 57
        return SEGMENTS(followedBy(whole.subarray(0, length), repeated(whole.subarray(57, length))))
      }),
  },
  instead('a-page-of-html', ['HTTP-1'], CAPTIVE, 'does not distrust the server for it; changes nothing', () =>
    reply(200, 'text/html; charset=utf-8', '<!doctype html><title>Sign in to this network</title>'),
  ),
  instead('json-in-place-of-segments', ['SEG-1'], DOWNGRADE, REFUSES, () => json({ segments: [] })),
  instead('nothing-at-all', ['SEG-1'], HTTP, REFUSES, () => SEGMENTS(new Uint8Array(0))),
  instead('a-status-of-the-future', ['HTTP-1'], HTTP, REFUSES, () => ({ status: 299, headers: {}, body: encodeUtf8('later') })),
  instead('a-status-that-is-none', ['HTTP-1'], HTTP, REFUSES, () => ({ status: 999, headers: {}, body: new Uint8Array(0) })),
  instead('not-modified', ['HTTP-1'], HTTP, REFUSES, () => ({ status: 304, headers: {}, body: new Uint8Array(0) })),
  instead('a-problem-that-is-not-json', ['HTTP-1'], JSON_MINEFIELD, REFUSES, () => problemBody('{"code":')),
  instead('a-problem-of-another-kind', ['HTTP-1'], HTTP, REFUSES, () => problemBody('{"code":"unheard-of","title":1}')),
  instead('a-problem-as-deep-as-a-stack', ['HTTP-1'], JSON_MINEFIELD, 'refuses the answer without an overflow', () =>
    problemBody(`${'{"a":'.repeat(400_000)}1${'}'.repeat(400_000)}`),
  ),
  instead('a-problem-in-no-utf-8', ['HTTP-1'], JSON_MINEFIELD, REFUSES, () => ({
    ...problemBody(''),
    body: Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d),
  })),
  instead('a-problem-that-pollutes', ['HTTP-1'], POLLUTION, 'changes no prototype', () =>
    problemBody(
      '{"type":"x","title":"x","status":409,"code":"chain-mismatch","detail":"x","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    ),
  ),
  instead('a-problem-without-end', ['HTTP-1', 'HTTP-3'], ENDLESS, 'stops reading after no more than an answer can be', () => ({
    ...problemBody(''),
    body: endless(),
  })),
  instead('a-problem-named-like-a-method', ['HTTP-1'], POLLUTION, REFUSES, () =>
    problemBody('{"type":"x","title":"x","status":409,"code":"constructor","detail":"x"}'),
  ),
  instead('not-found', ['HTTP-1'], HTTP, REFUSES, () => problem('not-found')),
  instead('shutting-down-for-ever', ['HTTP-1'], HTTP, 'tries later', () => problem('shutting-down')),
])

async function* followedBy(start: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start
  yield* rest
}

async function* repeated(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  // Enough to tell a client that keeps it all from one that does not, even where it is small.
  for (let sent = 0; sent < 10 * 2 ** 20 && chunk.length > 0; sent += chunk.length) yield chunk
}
