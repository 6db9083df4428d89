/** What a server says before and at sign-in: which derivation, which salt, which vault, which keys; and whether there is an account at all. */
import { fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import { type Attack, type AttackParts, during } from '../attack.ts'
import type { Control } from '../control.ts'
import { json, problem } from '../exchange.ts'
import { flipped, noise, sealedByAttacker } from '../forging.ts'

const MANAGERS =
  'Scarlata, Torrisi, Backendal, Paterson, "Zero Knowledge (About) Encryption: A Comparative Security Analysis of Three Cloud-based Password Managers", 2026'
const MEGA = 'Backendal, Haller, Paterson, "MEGA: Malleable Encryption Goes Awry", IEEE S&P 2023'
const CLOUD =
  'Hofmann, Truong, "End-to-End Encrypted Cloud Storage in the Wild: A Broken Ecosystem", CCS 2024 (unauthenticated key material)'
const COMMITMENT =
  'Albertini, Duong, Gueron, Kölbl, Luykx, Schmieg, "How to Abuse and Fix Authenticated Encryption Without Key Commitment", USENIX Security 2022'
const POLLUTION = 'CVE-2019-10744 (prototype pollution in lodash)'

const HEADER = /^\/v1\/vaults\/[^/]+$/
const SESSIONS = /^\/v1\/vaults\/[^/]+\/sessions$/

const REFUSES = 'tells the person that this server must not be trusted; stores no keys, sends no segment'

type Json = Record<string, unknown>

const header = (name: string, rules: readonly string[], source: string, client: string, change: (value: Json) => object) => ({
  name,
  rules,
  source,
  client,
  install: (control: Control) => control.changeJson('GET', HEADER, change),
})

const session = (name: string, rules: readonly string[], source: string, client: string, change: (value: Json) => object) => ({
  name,
  rules,
  source,
  client,
  install: (control: Control) => control.changeJson('POST', SESSIONS, change),
})

const bundleOf = (value: Json) => value['bundle'] as { version: number; sealed: string }
const otherBytes = (text: unknown, at = 0) => toBase64Url(flipped(fromBase64Url(String(text)), at))

/** A session that was never checked: whatever auth key comes, the answer is yes. */
const oracle = (name: string, source: string, make: (vaultId: string) => Json): AttackParts => ({
  name,
  rules: ['KEY-4', 'KEY-6'],
  source,
  client: REFUSES,
  install: (control) => {
    let vaultId = toBase64Url(new Uint8Array(16))
    control.changeJson('GET', HEADER, (value) => {
      vaultId = String(value['vaultId'])
      return value
    })
    control.answer('POST', SESSIONS, () =>
      json({ vaultId, token: toBase64Url(noise(32)), deviceCookie: toBase64Url(noise(32)), ...make(vaultId) }, 201),
    )
  },
})

export const SIGNING_IN: readonly Attack[] = [
  ...during('join', [
    header('offer-the-derivation-without-passphrase', ['KEY-5'], MANAGERS, REFUSES, (value) => ({
      ...value,
      suite: 'argon2id-64m-3',
    })),
    header('offer-a-weak-derivation', ['KEY-5'], MANAGERS, 'knows no such suite and refuses', (value) => ({
      ...value,
      suite: 'pbkdf2-sha256-1',
    })),
    header('offer-one-iteration', ['KEY-5'], MANAGERS, 'uses no number of a server’s: signs in as ever', (value) => ({
      ...value,
      iterations: 1,
      memory: 8,
      parameters: { iterations: 1 },
    })),
    header('another-salt-where-none-is-used', ['KEY-5', 'KEY-4'], MANAGERS, 'ignores it: signs in as ever', (value) => ({
      ...value,
      salt: toBase64Url(noise(16)),
    })),
    {
      name: 'another-vault-id-throughout',
      rules: ['KEY-4', 'KEY-6'],
      source: CLOUD,
      client: REFUSES,
      install: (control) => {
        // An auth key for another vault id is another one: this server says yes to it and hands out the real bundle.
        const other = toBase64Url(noise(16))
        control.changeJson('GET', HEADER, (value) => ({ ...value, vaultId: other }))
        control.answer('POST', SESSIONS, async () => {
          const { bundle } = await storedVault(control)
          return json({ vaultId: other, token: 'token', deviceCookie: toBase64Url(noise(32)), bundle }, 201)
        })
      },
    },
    session('another-vault-id-in-the-session', ['KEY-4', 'KEY-6'], CLOUD, REFUSES, (value) => ({
      ...value,
      vaultId: otherBytes(value['vaultId']),
    })),
    session('bundle-with-a-bit-flipped', ['KEY-4', 'ENV-2'], MEGA, REFUSES, (value) => ({
      ...value,
      bundle: { ...bundleOf(value), sealed: otherBytes(bundleOf(value).sealed, 80) },
    })),
    session('bundle-cut-short', ['KEY-4'], MEGA, REFUSES, (value) => ({
      ...value,
      bundle: { ...bundleOf(value), sealed: bundleOf(value).sealed.slice(0, 40) },
    })),
    session('bundle-under-a-later-version', ['KEY-4'], MANAGERS, REFUSES, (value) => ({
      ...value,
      bundle: { ...bundleOf(value), version: bundleOf(value).version + 1 },
    })),
    session('bundle-of-the-attacker’s', ['KEY-4', 'ENV-2'], COMMITMENT, REFUSES, (value) => ({
      ...value,
      bundle: { ...bundleOf(value), sealed: toBase64Url(sealedByAttacker(noise(100))) },
    })),
    session('bundle-too-large', ['KEY-4'], CLOUD, 'refuses the answer', (value) => ({
      ...value,
      bundle: { ...bundleOf(value), sealed: toBase64Url(noise(1 << 20)) },
    })),
    session('no-bundle', ['KEY-4'], CLOUD, 'refuses the answer', ({ bundle: _, ...rest }) => rest),
    oracle('says-yes-to-any-password', MANAGERS, () => ({
      bundle: { version: 1, sealed: toBase64Url(sealedByAttacker(noise(39))) },
    })),
    {
      name: 'says-no-to-the-right-password',
      rules: ['KEY-10'],
      source: MANAGERS,
      client: 'tells the person; stores nothing',
      install: (control) => control.answer('POST', SESSIONS, () => problem('wrong-credentials')),
    },
    {
      ...session(
        'a-token-that-breaks-a-header',
        ['HTTP-2'],
        'CWE-113 (HTTP request and response splitting)',
        'fails as it does with any bad answer, and injects nothing',
        (value) => ({ ...value, token: 'x\r\nx-injected: 1' }),
      ),
      wire: true,
    },
    session(
      'members-that-pollute',
      ['HTTP-1'],
      POLLUTION,
      'ignores members it does not know; signs in as ever',
      (value) =>
        JSON.parse(
          `${JSON.stringify(value).slice(0, -1)},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
        ) as object,
    ),
    {
      name: 'a-server-of-another-kind',
      rules: ['HTTP-1'],
      source: CLOUD,
      client: 'refuses before the person’s password is used for anything',
      install: (control) => control.changeJson('GET', '/v1/server', (value) => ({ ...value, product: 'other' })),
    },
    {
      name: 'an-empty-vault-behind-the-right-keys',
      rules: ['SYNC-3', 'LOG-8'],
      source: 'Cappos, Samuel, Baker, Hartman, "A Look in the Mirror: Attacks on Package Managers", CCS 2008 (freeze attack)',
      client: 'cannot know what it was never told of; does at the first segment whose author had seen some of it',
      install: (control) => {
        let before = 0
        control.show((news) => {
          if (before === 0) before = news.length
          return news.slice(before)
        })
      },
    },
  ]),
  ...during('join-by-password', [
    header('another-salt', ['KEY-4', 'KEY-5'], MANAGERS, 'is refused by its own auth key; nothing is stored', (value) => ({
      ...value,
      salt: toBase64Url(new Uint8Array(16)),
    })),
    {
      name: 'another-salt-and-yes-to-any-password',
      rules: ['KEY-4', 'KEY-5'],
      source: MANAGERS,
      client: REFUSES,
      install: (control) => {
        control.changeJson('GET', HEADER, (value) => ({ ...value, salt: toBase64Url(new Uint8Array(16)) }))
        control.answer('POST', SESSIONS, async () => {
          const { vaultId, bundle } = await storedVault(control)
          return json({ vaultId, token: 'token', deviceCookie: toBase64Url(noise(32)), bundle }, 201)
        })
      },
    },
    header('offer-the-derivation-with-passphrase', ['KEY-5'], MANAGERS, REFUSES, (value) => ({
      ...value,
      suite: 'pbkdf2-sha256-1200000',
    })),
  ]),
  ...during('return', [
    {
      name: 'an-older-bundle',
      rules: ['KEY-4'],
      source:
        'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (rollback attack)',
      client: 'knows that it has seen a later one, and says so',
      install: (control) => {
        // The first bundle is what the first sign-up brought; a copy that has forgotten later changes still has it.
        const isChange = (method: string, path: string) => method === 'PUT' && path === '/v1/credentials'
        return control.turnBack(({ exchange }) => !isChange(exchange.method, exchange.path)).then(() => {})
      },
    },
    {
      name: 'bundle-of-another-vault',
      rules: ['KEY-4', 'KEY-6'],
      source: CLOUD,
      client: REFUSES,
      install: (control) => {
        control.changeJson('POST', SESSIONS, (value) => ({
          ...value,
          bundle: { version: bundleOf(value).version, sealed: toBase64Url(sealedByAttacker(noise(39))) },
        }))
      },
    },
  ]),
  ...during('create', [
    {
      name: 'says-a-vault-was-made',
      rules: ['SYNC-2', 'KEY-1'],
      source: CLOUD,
      client: 'finds out at its first push; data and keys stay',
      install: (control) =>
        control.answer('POST', '/v1/vaults', ({ request }) => {
          const { vaultId, bundle } = JSON.parse(Buffer.from(request.body ?? []).toString()) as Json
          return json({ vaultId, token: toBase64Url(noise(32)), deviceCookie: toBase64Url(noise(32)), bundle }, 201)
        }),
    },
    {
      name: 'makes-the-vault-under-another-id',
      rules: ['KEY-6'],
      source: CLOUD,
      client: 'keeps to the id that it made, or refuses',
      install: (control) =>
        control.changeJson('POST', '/v1/vaults', (value) => ({ ...value, vaultId: otherBytes(value['vaultId']) })),
    },
    {
      name: 'gives-back-another-bundle',
      rules: ['KEY-4'],
      source: CLOUD,
      client: 'keeps to the keys that it made, or refuses',
      install: (control) =>
        control.changeJson('POST', '/v1/vaults', (value) => ({
          ...value,
          bundle: { version: 7, sealed: toBase64Url(sealedByAttacker(noise(39))) },
        })),
    },
  ]),
]

/** What the operator reads from its own disk. */
async function storedVault(control: Control) {
  const name = control.server.journal.map(({ exchange }) => /^\/v1\/vaults\/([^/]+)/.exec(exchange.path)?.[1]).find(Boolean)
  const vault = await control.server.storage.vaultByName(decodeURIComponent(name ?? ''))
  if (vault === undefined) throw new Error('there is no vault')
  return {
    vaultId: toBase64Url(vault.vaultId),
    bundle: { version: vault.bundle.version, sealed: toBase64Url(vault.bundle.sealed) },
  }
}
