import { describe, expect, it } from 'vitest'
import { applyExceptions, checkFile, checkManifest, LAYERS, RULES } from './import-rules.ts'

const rules = (file: string, source: string) => checkFile(file, source).map(({ rule }) => rule)

/** Each: file, source that breaks the rule there, and a file or source beside it that does not. */
const CASES: readonly [rule: string, file: string, bad: string, good: readonly [file: string, source: string]][] = [
  [
    'layers',
    'packages/server/src/app.ts',
    "import { Vault } from '@lockstep/engine/vault'",
    ['packages/cli/src/main.ts', "import { Vault } from '@lockstep/engine/vault'"],
  ],
  [
    'layers',
    'packages/server/src/app.ts',
    "import type { Key } from '@lockstep/crypto/keys'",
    ['packages/engine/src/seal.ts', "import type { Key } from '@lockstep/crypto/keys'"],
  ],
  [
    'layers',
    'packages/server/test/app.test.ts',
    "await import('@lockstep/engine/vault')",
    ['tests/story/story.test.ts', "await import('@lockstep/engine/vault')"],
  ],
  [
    'layers',
    'packages/crypto/src/envelope.ts',
    "export { concatBytes } from '@lockstep/protocol/bytes'\nrun()",
    ['packages/engine/src/envelope.ts', "import { concatBytes } from '@lockstep/protocol/bytes'"],
  ],
  [
    'layers',
    'packages/protocol/src/records.ts',
    "import { seal } from '@lockstep/crypto/envelope'",
    ['packages/protocol/src/records.ts', "import { ByteReader } from '#bytes'"],
  ],
  [
    'layers',
    'packages/model/src/notes.ts',
    "import { seal } from '@lockstep/crypto/envelope'",
    ['packages/model/src/notes.ts', "import { defineSchema } from '@lockstep/engine/schema'"],
  ],
  [
    'layers',
    'packages/import/src/markdown.ts',
    "import { createApp } from '@lockstep/server/app'",
    ['packages/import/src/markdown.ts', "import { deriveRootKey } from '@lockstep/crypto/derivation'"],
  ],
  [
    'layers',
    'packages/engine/src/vault.ts',
    "import { merge } from '@lockstep/engine/merge'",
    ['packages/engine/src/vault.ts', "import { merge } from '#merge'"],
  ],
  [
    'layers',
    'apps/web/src/app.tsx',
    "import { startServer } from '@lockstep/server/serve'",
    ['apps/web/src/app.tsx', "import { notes } from '@lockstep/model/notes'"],
  ],
  [
    'no-node',
    'packages/engine/src/vault.ts',
    "import { join } from 'node:path'",
    ['packages/engine/src/platform/node/files.ts', "import { join } from 'node:path'"],
  ],
  [
    'no-node',
    'packages/crypto/src/keys.ts',
    "import { hkdfSync } from 'crypto'",
    ['packages/server/src/sessions.ts', "import { createHash } from 'node:crypto'"],
  ],
  [
    'no-node',
    'packages/protocol/src/records.ts',
    "import { Buffer } from 'node:buffer'",
    ['packages/protocol/test/records.test.ts', "import { Buffer } from 'node:buffer'"],
  ],
  [
    'protocol-zod-only',
    'packages/protocol/src/http.ts',
    "import { Hono } from 'hono'",
    ['packages/protocol/src/http.ts', "import { z } from 'zod'"],
  ],
  [
    'wasm-in-browser-adapter',
    'packages/engine/src/driver.ts',
    "import init from '@sqlite.org/sqlite-wasm'",
    ['packages/engine/src/platform/browser/sqlite.ts', "import init from '@sqlite.org/sqlite-wasm'"],
  ],
  [
    'server-database',
    'packages/server/src/app.ts',
    "import { DatabaseSync } from 'node:sqlite'",
    ['packages/server/src/storage/sqlite/open.ts', "import { DatabaseSync } from 'node:sqlite'"],
  ],
  [
    'server-files',
    'packages/server/src/routes/segments.ts',
    "import { readFile } from 'node:fs/promises'",
    ['packages/server/src/config.ts', "import { readFileSync } from 'node:fs'"],
  ],
  [
    'server-operators-apart',
    'packages/server/src/serve.ts',
    "import { verify } from '#operate/verify'",
    ['packages/server/src/operate/restore.ts', "import { verify } from '#operate/verify'"],
  ],
  [
    'clients-alone',
    'tests/dialects/dataans-client/keys.ts',
    "import { deriveRootKey } from '@lockstep/crypto/derivation'",
    ['tests/dialects/dataans-client/keys.ts', "import { pbkdf2 } from 'node:crypto'"],
  ],
  [
    'clients-alone',
    'tests/dialects/difflog-client/api.ts',
    "import { shared } from './../../support/optional.ts'",
    ['tests/dialects/difflog-client/api.ts', "import { seal } from './sealing.ts'"],
  ],
  [
    'clients-alone',
    'tests/dialects/difflog-client/api.ts',
    "import { argon2id } from 'hash-wasm'",
    ['tests/dialects/difflog.test.ts', "import { shared } from '../support/optional.ts'"],
  ],
  [
    'no-climbing',
    'packages/engine/src/platform/node/sqlite.ts',
    "import { Driver } from '../../driver.ts'",
    ['packages/engine/test/driver.test.ts', "import { Random } from '../../../tests/support/random.ts'"],
  ],
  [
    'no-deep-import',
    'tests/story/story.test.ts',
    "import { Vault } from '../../packages/engine/src/vault.ts'",
    ['tests/story/story.test.ts', "import { Vault } from '@lockstep/engine/vault'"],
  ],
  [
    'no-deep-import',
    'bench/sync.ts',
    "import { Vault } from '@lockstep/engine/src/vault.ts'",
    ['bench/sync.ts', "import { Vault } from '@lockstep/engine/vault'"],
  ],
  [
    'no-clock',
    'packages/engine/src/clock.ts',
    'const now = Date.now()',
    ['packages/engine/src/platform/node/clock.ts', 'const now = Date.now()'],
  ],
  [
    'no-clock',
    'packages/protocol/src/records.ts',
    'const clock = Date.now',
    ['packages/server/src/serve.ts', 'const clock = Date.now'],
  ],
  [
    'no-clock',
    'packages/engine/src/clock.ts',
    'const now = new Date()',
    ['packages/engine/src/clock.ts', 'const day = new Date(milliseconds)'],
  ],
  [
    'no-clock',
    'packages/engine/src/clock.ts',
    'const now = new Date\n',
    ['packages/engine/src/clock.ts', 'const day = new DateRange()'],
  ],
  [
    'no-clock',
    'packages/engine/src/clock.ts',
    'const now = Date()',
    ['packages/engine/src/clock.ts', '// Date.now() is passed in'],
  ],
  [
    'no-clock',
    'packages/crypto/src/keys.ts',
    'const start = performance.now()',
    ['packages/crypto/test/keys.test.ts', 'const start = performance.now()'],
  ],
  [
    'no-timers',
    'packages/engine/src/sync.ts',
    'setTimeout(retry, delay)',
    ['packages/engine/src/sync.ts', 'timers.setTimeout(retry, delay)'],
  ],
  [
    'no-timers',
    'packages/engine/src/sync.ts',
    'globalThis.setInterval(poll, 1000)',
    ['packages/engine/src/platform/node/timers.ts', 'setInterval(poll, 1000)'],
  ],
  [
    'no-randomness',
    'packages/engine/src/ids.ts',
    'const x = Math.random()',
    ['tests/support/random.ts', 'const x = Math.random()'],
  ],
  [
    'no-randomness',
    'packages/crypto/src/envelope.ts',
    'crypto.getRandomValues(salt)',
    ['packages/crypto/src/envelope.ts', 'crypto.subtle.encrypt(a, b, c)'],
  ],
  [
    'no-randomness',
    'packages/engine/src/ids.ts',
    'const id = crypto.randomUUID()',
    ['packages/server/src/ids.ts', 'const id = crypto.randomUUID()'],
  ],
  [
    'no-randomness',
    'packages/crypto/src/envelope.ts',
    "import { randomBytes } from '@noble/hashes/utils'",
    ['packages/crypto/src/envelope.ts', "import { randomBytes } from '#random'"],
  ],
  [
    'no-randomness',
    'packages/crypto/src/passphrase.ts',
    'return generateMnemonic(wordlist)',
    ['packages/crypto/src/passphrase.ts', 'return entropyToMnemonic(random(16), wordlist)'],
  ],
  [
    'platform-globals',
    'packages/engine/src/vault.ts',
    "const home = process.env['HOME']",
    ['packages/engine/src/platform/node/home.ts', "const home = process.env['HOME']"],
  ],
  [
    'platform-globals',
    'packages/protocol/src/bytes.ts',
    "Buffer.from(text, 'utf8')",
    ['packages/protocol/src/bytes.ts', 'this.#buffer.slice(0)'],
  ],
  [
    'platform-globals',
    'packages/engine/src/vault.ts',
    'localStorage.setItem(a, b)',
    ['packages/engine/src/platform/browser/flags.ts', 'localStorage.setItem(a, b)'],
  ],
  ['no-console', 'packages/import/src/markdown.ts', "console.log('done')", ['packages/cli/src/output.ts', "console.log('done')"]],
  [
    'no-barrel',
    'packages/engine/src/index.ts',
    "export * from './vault.ts'\nexport { merge } from '#merge'",
    ['packages/engine/src/index.ts', "export { merge } from '#merge'\nexport const VERSION = 1"],
  ],
]

describe('import rules', () => {
  it.each(CASES)('%s is refused in %s: %s', (rule, file, bad, [goodFile, good]) => {
    expect(rules(file, bad)).toEqual([rule])
    expect(rules(goodFile, good)).toEqual([])
  })

  it('have a case for each rule, and for each layer that something is kept from', () => {
    expect(new Set(CASES.map(([rule]) => rule))).toEqual(new Set(RULES))
    const folders = Object.keys(LAYERS).filter((folder) => folder !== 'packages/cli')
    for (const folder of folders) {
      const broken = CASES.some(([rule, file]) => rule === 'layers' && file.startsWith(`${folder}/`))
      expect(broken, folder).toBe(true)
    }
  })

  it('tell file, line and reason', () => {
    expect(checkFile('packages/server/src/app.ts', "\n\nimport { Vault } from '@lockstep/engine/vault'")).toEqual([
      {
        file: 'packages/server/src/app.ts',
        line: 3,
        rule: 'layers',
        message:
          'packages/server must not import @lockstep/engine/vault: a server that cannot decrypt is a fact of its imports, not a promise',
      },
    ])
    expect(checkFile('packages/engine/src/a.ts', '\nMath.random()')[0]?.line).toBe(2)
  })
})

describe('package manifests', () => {
  it('declare only what the layer allows', () => {
    expect(checkManifest('packages/server', ['hono', '@lockstep/protocol'])).toEqual([])
    expect(checkManifest('packages/server', ['@lockstep/engine']).map(({ rule }) => rule)).toEqual(['layers'])
  })

  it('of a package without a place in the layers are refused', () => {
    expect(checkManifest('packages/new', []).map(({ rule }) => rule)).toEqual(['layers'])
  })
})

describe('exceptions', () => {
  const violation = { file: 'a.ts', line: 1, rule: 'no-clock', message: '' }

  it('cover one rule in one file', () => {
    expect(applyExceptions([violation], [{ file: 'a.ts', rule: 'no-clock', why: 'x' }])).toEqual([])
    expect(
      applyExceptions([violation, { ...violation, rule: 'no-node' }], [{ file: 'a.ts', rule: 'no-clock', why: 'x' }]),
    ).toHaveLength(1)
  })

  it('that cover nothing are reported', () => {
    const left = applyExceptions([violation], [{ file: 'b.ts', rule: 'no-clock', why: 'x' }])
    expect(left.map(({ file, rule }) => [file, rule])).toEqual([
      ['a.ts', 'no-clock'],
      ['b.ts', 'stale-exception'],
    ])
  })
})
