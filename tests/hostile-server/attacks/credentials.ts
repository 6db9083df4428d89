/** A password change, against a server that hands out other keys than were stored, or does not do what it says. */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { type Attack, during } from '../attack.ts'
import { json, problem } from '../exchange.ts'
import { noise, sealedByAttacker } from '../forging.ts'

const MANAGERS =
  'Scarlata, Torrisi, Backendal, Paterson, "Zero Knowledge (About) Encryption: A Comparative Security Analysis of Three Cloud-based Password Managers", 2026'
const ROLLBACK =
  'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (rollback attack)'
const PATH = '/v1/credentials'

export const CREDENTIALS: readonly Attack[] = during('password', [
  {
    name: 'change-of-another-vault',
    rules: ['KEY-4', 'KEY-6'],
    source: MANAGERS,
    client: 'refuses to prove itself for another vault: sends no key',
    install: (control) => control.changeJson('GET', PATH, (value) => ({ ...value, vaultId: toBase64Url(noise(16)) })),
  },
  {
    name: 'change-over-the-attacker’s-bundle',
    rules: ['KEY-4', 'ENV-2'],
    source: MANAGERS,
    client: 'seals no keys of the attacker’s under the new password: refuses, sends no key',
    install: (control) =>
      control.changeJson('GET', PATH, (value) => ({
        ...value,
        bundle: { version: 1, sealed: toBase64Url(sealedByAttacker(noise(39))) },
      })),
  },
  {
    name: 'change-over-an-older-bundle',
    rules: ['KEY-4'],
    source: ROLLBACK,
    client: 'knows that it has seen a later one, or never takes fewer epochs than it has',
    install: (control) => {
      const signUp = control.server.journal.find(({ exchange }) => exchange.path === '/v1/vaults')
      const { bundle } = JSON.parse(Buffer.from(signUp?.exchange.request.body ?? []).toString()) as Record<string, unknown>
      control.changeJson('GET', PATH, (value) => ({ ...value, bundle }))
    },
  },
  {
    name: 'change-under-another-suite',
    rules: ['KEY-5'],
    source: MANAGERS,
    client: 'keeps to the derivation that the person chose',
    install: (control) =>
      control.changeJson('GET', PATH, (value) => ({ ...value, suite: 'argon2id-64m-3', salt: toBase64Url(noise(16)) })),
  },
  {
    name: 'change-refused-for-ever',
    rules: ['KEY-4'],
    source: MANAGERS,
    client: 'gives up after some tries and tells the person that nothing was changed',
    install: (control) => control.answer('PUT', PATH, () => problem('bundle-conflict')),
  },
  {
    name: 'change-that-is-not-stored',
    rules: ['KEY-3'],
    source: MANAGERS,
    client: 'cannot know; its keys and data stay good, and the vault opens with what the server has',
    install: (control) =>
      control.answer('PUT', PATH, ({ request }) => {
        const { suite, salt, bundle } = JSON.parse(Buffer.from(request.body ?? []).toString()) as Record<string, unknown>
        return control.server.storage
          .vaultByName(vaultName(control.server.journal.map(({ exchange }) => exchange.path)))
          .then((vault) => json({ vaultId: toBase64Url(vault?.vaultId ?? new Uint8Array(16)), suite, salt, bundle }))
      }),
  },
  {
    name: 'change-answered-with-other-keys',
    rules: ['KEY-4'],
    source: MANAGERS,
    client: 'keeps to the keys that it has',
    install: (control) =>
      control.changeJson('PUT', PATH, (value) => ({
        ...value,
        bundle: { version: 99, sealed: toBase64Url(sealedByAttacker(noise(39))) },
      })),
  },
])

function vaultName(paths: readonly string[]): string {
  return decodeURIComponent(paths.map((path) => /^\/v1\/vaults\/([^/]+)/.exec(path)?.[1]).find(Boolean) ?? '')
}
