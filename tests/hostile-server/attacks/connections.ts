/** Below the protocol: redirects, broken and slow connections, headers and encodings. Real HTTP is needed for these. */
import { gzipSync } from 'node:zlib'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { type Attack, type AttackParts, during } from '../attack.ts'
import { PULL, PUSH } from '../control.ts'
import type { Reply } from '../exchange.ts'

const REDIRECT = 'RFC 9110, section 15.4, and CVE-2018-1000007 (curl sends the Authorization header to where it is redirected)'
const SLOW = 'Hansen, "Slowloris HTTP DoS", 2009'
const SLOW_RETRIEVAL =
  'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (slow retrieval)'
const BOMB = 'Fifield, "A better zip bomb", WOOT 2019'
const HTTP = 'RFC 9112 (HTTP/1.1), section 8'

const redirect = (name: string, status: number, to: readonly [string, string]): AttackParts => ({
  name,
  rules: ['HTTP-2'],
  source: REDIRECT,
  client: 'does not follow: the token goes nowhere else',
  wire: true,
  install: (control) =>
    control.answer(...to, ({ request }) => ({
      status,
      headers: { location: control.elsewhere + new URL(request.url).pathname, 'content-type': 'text/plain' },
      body: new Uint8Array(0),
    })),
})

const instead = (name: string, rules: readonly string[], source: string, client: string, make: () => Reply): AttackParts => ({
  name,
  rules,
  source,
  client,
  wire: true,
  install: (control) => control.answer(...PULL, make),
})

export const CONNECTIONS: readonly Attack[] = [
  ...during('pull', [
    redirect('redirect-a-pull-for-good', 301, PULL),
    redirect('redirect-a-pull-for-now', 302, PULL),
    redirect('redirect-a-pull-as-it-is', 307, PULL),
    redirect('redirect-a-pull-as-it-is-for-good', 308, PULL),
    instead('redirect-by-a-page', ['HTTP-2'], REDIRECT, 'does not follow what a page says', () => ({
      status: 200,
      headers: { refresh: '0; url=http://elsewhere.invalid/', 'content-type': 'text/html' },
      body: new Uint8Array(0),
    })),
    instead('connection-refused-midway', ['HTTP-1'], HTTP, 'tries later', () => ({
      status: 200,
      headers: { 'content-type': SEGMENTS_MEDIA_TYPE },
      body: new Uint8Array(30),
      broken: true,
    })),
    instead('no-answer', ['HTTP-1'], HTTP, 'tries later', () => ({
      status: 0,
      headers: {},
      body: new Uint8Array(0),
      broken: true,
    })),
    instead('less-than-was-announced', ['HTTP-1'], HTTP, 'tries later; keeps what is whole', () => ({
      status: 200,
      headers: { 'content-type': SEGMENTS_MEDIA_TYPE, 'content-length': '1000000000' },
      body: new Uint8Array(57).fill(1),
      broken: true,
    })),
    instead(
      'a-megabyte-of-headers',
      ['HTTP-1'],
      'CVE-2018-12121 (Node.js, large HTTP headers)',
      'gives up in bounded memory',
      () => ({
        status: 200,
        headers: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x-${i}`, 'x'.repeat(1000)])),
        body: new Uint8Array(0),
      }),
    ),
    instead('a-bomb-of-gzip', ['HTTP-3'], BOMB, 'asked for no encoding and decodes none', () => ({
      status: 200,
      headers: { 'content-type': SEGMENTS_MEDIA_TYPE, 'content-encoding': 'gzip' },
      body: gzipSync(new Uint8Array(64 * 1024 * 1024)),
    })),
    instead('an-encoding-unheard-of', ['HTTP-1'], HTTP, 'refuses the answer', () => ({
      status: 200,
      headers: { 'content-type': SEGMENTS_MEDIA_TYPE, 'content-encoding': 'br, zstd' },
      body: new Uint8Array(57).fill(7),
    })),
    instead('one-byte-at-a-time-for-ever', ['SEG-1'], SLOW_RETRIEVAL, 'lets the person write meanwhile, and give up', () => ({
      status: 200,
      headers: { 'content-type': SEGMENTS_MEDIA_TYPE },
      body: drip(),
    })),
  ]),
  ...during('push', [
    redirect('redirect-a-push', 307, PUSH),
    {
      name: 'a-push-taken-for-ever',
      rules: ['SEG-1'],
      source: SLOW,
      client: 'lets the person write meanwhile, and give up',
      wire: true,
      install: (control) =>
        control.answer(...PUSH, () => ({ status: 200, headers: { 'content-type': SEGMENTS_MEDIA_TYPE }, body: drip() })),
    },
  ]),
  ...during('join', [redirect('redirect-a-sign-in', 307, ['POST', '/v1/vaults/main/sessions'])]),
]

/** As slowly as it takes, and nothing of it is wrong before its 58th byte. */
async function* drip(): AsyncGenerator<Uint8Array> {
  yield Uint8Array.of(1)
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    yield Uint8Array.of(0)
  }
}
