import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deriveRootKey } from '@lockstep/crypto/derivation'
import { deriveAuthKey, deriveWrapKey } from '@lockstep/crypto/hierarchy'
import { fromBase64Url, toBase64Url, toHex } from '@lockstep/protocol/bytes'
import { describe, expect, test } from 'vitest'
import { EngineError } from '#errors'
import type { HttpClient, HttpRequest } from '#http'
import { runningServer } from '../../../tests/support/running-server.ts'
import { PASSPHRASE, signIn, testDevice } from './support/devices.ts'
import { answer } from './support/log-server.ts'
import { codeOf, temporaryFolder } from './support/vaults.ts'

const file = (home: string, name: string) => JSON.parse(readFileSync(join(home, name), 'utf8'))
const isSignUp = ({ method, url }: HttpRequest) => method === 'POST' && url.endsWith('/v1/vaults')
/** Loses the answer to the first request that `which` picks. */
const losing =
  (which: (request: HttpRequest) => boolean) =>
  (http: HttpClient): HttpClient => {
    let lost = false
    return async (request) => {
      const response = await http(request)
      if (lost || !which(request)) return response
      lost = true
      for await (const _ of response.body);
      throw new EngineError('offline', 'the answer was lost')
    }
  }
/** Changes the JSON of answers. */
const forging =
  (which: (request: HttpRequest) => boolean, change: (json: Record<string, unknown>) => object) =>
  (http: HttpClient): HttpClient =>
  async (request) => {
    const response = await http(request)
    if (!which(request)) return response
    const parts: Uint8Array[] = []
    for await (const part of response.body) parts.push(part)
    const json = JSON.parse(Buffer.concat(parts).toString())
    return { ...answer(response.status, Buffer.from(JSON.stringify({ ...json, ...change(json) }))), header: response.header }
  }

describe('signing up and joining', () => {
  test('[KEY-2] [CELL-10] [KEY-1] two devices share a vault; what is on disk holds no password and no key derived from it', async () => {
    const server = await runningServer()
    const one = await testDevice()
    expect(one.status()).toMatchObject({ state: 'local', pending: 0 })
    expect(await codeOf(() => one.sync())).toBe('not-signed-in')
    const { passphrase, ...result } = await one.signIn(signIn(server, { passphrase: undefined }))
    expect(result).toEqual({ vault: 'main', device: one.id, created: true })
    expect(passphrase?.split(' ')).toHaveLength(12)
    one.vault.transact((tx) => tx.insert('notes', { title: 'by one' }))
    await one.sync()
    expect(one.status()).toMatchObject({ state: 'synced', pending: 0, problems: [] })

    const two = await testDevice()
    const joining = { intent: 'join', passphrase, deviceName: 'phone' } as const
    expect(await codeOf(() => two.signIn(signIn(server, { ...joining, password: 'wrong' })))).toBe('wrong-credentials')
    expect(await codeOf(() => two.signIn(signIn(server, { ...joining, passphrase: PASSPHRASE })))).toBe('wrong-credentials')
    expect(await codeOf(() => two.signIn(signIn(server, { ...joining, passphrase: undefined })))).toBe('wrong-credentials')
    expect(two.profile).toEqual({ signedIn: false })
    expect(await two.signIn(signIn(server, joining))).toEqual({ vault: 'main', device: two.id, created: false })
    expect(await codeOf(() => two.signIn(signIn(server, joining)))).toBe('already-signed-in')
    await two.sync()
    await one.sync()
    expect(two.vault.query('SELECT title FROM notes')).toEqual([{ title: 'by one' }])
    for (const { vault } of [one, two]) {
      const devices = vault.query('SELECT id, name, publicKey, replicas FROM _devices ORDER BY name')
      expect(devices.map(({ id, name }) => [id, name])).toEqual([
        [one.id, 'laptop'],
        [two.id, 'phone'],
      ])
      expect(devices.every(({ publicKey }) => (publicKey as Uint8Array).length === 32)).toBe(true)
      expect(devices.map(({ replicas }) => replicas)).toEqual(
        [one, two].map((device) => JSON.stringify([device.vault.store.replica])),
      )
    }
    expect((await one.listDevices()).map(({ name, current }) => [name, current])).toEqual([
      ['laptop', true],
      ['phone', false],
    ])

    const vaultId = one.vault.store.meta.get('vaultId') as Uint8Array
    const root = await deriveRootKey({
      suite: 'pbkdf2-sha256-1200000',
      password: 'correct horse',
      passphrase: passphrase as string,
    })
    for (const name of readdirSync(one.home)) {
      const bytes = readFileSync(join(one.home, name))
      expect(bytes.includes('correct horse')).toBe(false)
      for (const key of [root, deriveAuthKey(root, vaultId), deriveWrapKey(root, vaultId)]) {
        for (const form of [Buffer.from(key), toBase64Url(key), toHex(key)]) expect(bytes.includes(form)).toBe(false)
      }
    }
    expect(file(one.home, 'profile.json')).toMatchObject({ passphrase, vault: 'main', server: server.url })
    for (const name of ['keys.json', 'profile.json']) expect(statSync(join(one.home, name)).mode & 0o777).toBe(0o600)
  })

  test('[KEY-5] a vault without a passphrase is opened without one only', async () => {
    const server = await runningServer()
    const plain = { passwordOnly: true, passphrase: undefined } as const
    const one = await testDevice()
    expect(await one.signIn(signIn(server, plain))).toEqual({ vault: 'main', device: one.id, created: true })
    const two = await testDevice()
    expect(await codeOf(() => two.signIn(signIn(server, { intent: 'join' })))).toBe('wrong-credentials')
    expect(await two.signIn(signIn(server, { ...plain, intent: 'join' }))).toMatchObject({ created: false })
    await two.changePassword({ currentPassword: 'correct horse', newPassword: 'next' })
    expect(await codeOf(() => one.sync())).toBe('needs-password')
    // The device knows that its vault has no passphrase.
    await one.signIn(signIn(server, { intent: 'join', passphrase: undefined, password: 'next' }))
    await one.sync()
  })

  test('[KEY-6] a name that is taken, a server that takes nobody: refused, and nothing is kept', async () => {
    const server = await runningServer()
    await (await testDevice()).signIn(signIn(server))
    const other = await testDevice()
    expect(await codeOf(() => other.signIn(signIn(server, { password: 'mine' })))).toBe('sign-up-refused')
    expect(other.profile).toEqual({ signedIn: false })
    expect(file(other.home, 'keys.json')).not.toHaveProperty('vaultKeys')
    const closed = await runningServer({ signUp: 'closed' })
    expect(await codeOf(() => other.signIn(signIn(closed)))).toBe('sign-up-refused')
    await other.signIn(signIn(server, { vault: 'another' }))
    expect(other.profile).toMatchObject({ vault: 'another', signedIn: true })
  })

  test('a lost answer to the sign-up: the vault is there, the same command signs in, and the passphrase is still told', async () => {
    const server = await runningServer()
    const home = temporaryFolder()
    const device = await testDevice({ home, network: losing(isSignUp) })
    expect(await codeOf(() => device.signIn(signIn(server, { passphrase: undefined })))).toBe('offline')
    const written = file(home, 'profile.json').passphrase
    const again = await testDevice({ home })
    const wrong = signIn(server, { passphrase: undefined, password: 'not this one' })
    expect(await codeOf(() => again.signIn(wrong))).toBe('sign-up-refused')
    expect(await again.signIn(signIn(server, { passphrase: undefined }))).toEqual({
      vault: 'main',
      device: again.id,
      created: true,
      passphrase: written,
    })
    await again.sync()
    expect(again.status().state).toBe('synced')
  })

  test('a sign-up that never arrived is made by the next try, with the passphrase that was made then', async () => {
    const server = await runningServer()
    const home = temporaryFolder()
    const device = await testDevice({
      home,
      network: (http) => async (request) => {
        if (isSignUp(request)) throw new EngineError('offline', 'out of reach')
        return http(request)
      },
    })
    expect(await codeOf(() => device.signIn(signIn(server, { passphrase: undefined })))).toBe('offline')
    const again = await testDevice({ home })
    const result = await again.signIn(signIn(server, { passphrase: undefined }))
    expect(result).toMatchObject({ created: true, passphrase: file(home, 'profile.json').passphrase })
    const second = await testDevice()
    await second.signIn(signIn(server, { intent: 'join', passphrase: result.passphrase }))
  })

  test('a sign-up that the server answers with an error of its own may have happened: the keys are kept', async () => {
    const server = await runningServer()
    const home = temporaryFolder()
    const device = await testDevice({
      home,
      network: (http) => async (request) => {
        const response = await http(request)
        if (!isSignUp(request)) return response
        for await (const _ of response.body);
        const json = JSON.stringify({ type: 'x', title: 'x', status: 500, code: 'server-error', detail: 'x' })
        return { ...answer(500, Buffer.from(json)), header: () => 'application/problem+json' }
      },
    })
    expect(await codeOf(() => device.signIn(signIn(server)))).toBe('offline')
    const again = await testDevice({ home })
    expect(await again.signIn(signIn(server))).toMatchObject({ created: true })
  })
})

describe('a server that lies before sign-in', () => {
  test('[KEY-4] [KEY-5] [KEY-6] a forged header, bundle or suite is found out, and nothing is kept', async () => {
    const server = await runningServer()
    const one = await testDevice()
    await one.signIn(signIn(server))
    const isHeader = ({ method, url }: HttpRequest) => method === 'GET' && url.includes('/v1/vaults/')
    const isSession = ({ method, url }: HttpRequest) => method === 'POST' && url.endsWith('/sessions')
    const flip = (bundle: { sealed: string; version: number }) => {
      const sealed = fromBase64Url(bundle.sealed)
      sealed[sealed.length - 1] = (sealed[sealed.length - 1] as number) ^ 1
      return { bundle: { ...bundle, sealed: toBase64Url(sealed) } }
    }
    const lies: [string, (http: HttpClient) => HttpClient, string][] = [
      ['another vault id', forging(isHeader, () => ({ vaultId: toBase64Url(new Uint8Array(16)) })), 'wrong-credentials'],
      ['a weaker suite', forging(isHeader, () => ({ suite: 'argon2id-64m-3' })), 'vault-header-forged'],
      ['a suite of its own', forging(isHeader, () => ({ suite: 'pbkdf2-sha256-1000' })), 'server-misbehaved'],
      [
        'another vault in the session',
        forging(isSession, () => ({ vaultId: toBase64Url(new Uint8Array(16)) })),
        'vault-header-forged',
      ],
      [
        'an altered bundle',
        forging(isSession, (json) => flip(json['bundle'] as { sealed: string; version: number })),
        'vault-header-forged',
      ],
      [
        'another bundle version',
        forging(isSession, (json) => ({ bundle: { ...(json['bundle'] as object), version: 2 } })),
        'vault-header-forged',
      ],
    ]
    for (const [what, network, code] of lies) {
      const device = await testDevice({ network })
      expect([what, await codeOf(() => device.signIn(signIn(server, { intent: 'join' })))]).toEqual([what, code])
      expect(device.profile).toEqual({ signedIn: false })
      expect(file(device.home, 'keys.json')).not.toHaveProperty('vaultKeys')
    }
    // The salt says nothing where there is a passphrase.
    const device = await testDevice({ network: forging(isHeader, () => ({ salt: toBase64Url(new Uint8Array(16).fill(9)) })) })
    await device.signIn(signIn(server, { intent: 'join' }))
  })
})

describe('changing the password', () => {
  test('[KEY-4] [KEY-1] ends the other sessions, keeps the data, and needs the old password', async () => {
    const server = await runningServer()
    const one = await testDevice()
    await one.signIn(signIn(server))
    const two = await testDevice()
    await two.signIn(signIn(server, { intent: 'join', deviceName: 'phone' }))
    two.vault.transact((tx) => tx.insert('notes', { title: 'offline work' }))
    expect(await codeOf(() => one.changePassword({ currentPassword: 'wrong', newPassword: 'next' }))).toBe('wrong-credentials')
    await one.changePassword({ currentPassword: 'correct horse', newPassword: 'next', newPassphrase: 'a phrase of my own' })
    expect(one.profile.passphrase).toBe('a phrase of my own')
    await one.sync()

    expect(await codeOf(() => two.sync())).toBe('needs-password')
    expect(two.status()).toMatchObject({ state: 'needs-password' })
    expect(file(two.home, 'keys.json')).not.toHaveProperty('token')
    expect(file(two.home, 'keys.json')).toHaveProperty('vaultKeys')
    expect(two.vault.query('SELECT title FROM notes')).toHaveLength(1)
    // It does not ask again by itself.
    expect(await codeOf(() => two.sync())).toBe('needs-password')
    expect(await codeOf(() => two.signIn(signIn(server, { intent: 'join' })))).toBe('wrong-credentials')
    await two.signIn(signIn(server, { intent: 'join', password: 'next', passphrase: 'a phrase of my own' }))
    await two.sync()
    await one.sync()
    expect(one.vault.query('SELECT title FROM notes')).toEqual([{ title: 'offline work' }])
  })

  test('[KEY-4] of two changes at once one wins and the other is refused, so that both know where they are', async () => {
    const server = await runningServer()
    const one = await testDevice()
    await one.signIn(signIn(server))
    let hold: (() => void) | undefined
    const held = new Promise<void>((resolve) => (hold = resolve))
    const two = await testDevice({
      network: (http) => async (request) => {
        if (request.method === 'PUT') await held
        return http(request)
      },
    })
    await two.signIn(signIn(server, { intent: 'join' }))
    const slow = codeOf(() => two.changePassword({ currentPassword: 'correct horse', newPassword: 'by two' }))
    await one.changePassword({ currentPassword: 'correct horse', newPassword: 'by one' })
    hold?.()
    expect(await slow).toBe('conflict')
    expect(two.status().state).toBe('needs-password')
    await two.signIn(signIn(server, { intent: 'join', password: 'by one' }))
  })
})

describe('signing out', () => {
  test('removes keys and passphrase, also out of reach of the server; the data stays and can be joined again', async () => {
    const server = await runningServer()
    let offline = false
    const device = await testDevice({
      network: (http) => async (request) => {
        if (offline) throw new EngineError('offline', 'on a plane')
        return http(request)
      },
    })
    await device.signIn(signIn(server))
    device.vault.transact((tx) => tx.insert('notes', { title: 'kept' }))
    await device.sync()
    offline = true
    expect(await device.signOut({ wipe: false })).toEqual({ serverTold: false })
    expect(device.profile).toEqual({ server: server.url, vault: 'main', deviceName: 'laptop', signedIn: false })
    for (const name of ['vaultKeys', 'token']) expect(file(device.home, 'keys.json')).not.toHaveProperty(name)
    expect(device.vault.query('SELECT title FROM notes')).toEqual([{ title: 'kept' }])
    expect(device.status().state).toBe('not-on-server')
    expect(await codeOf(() => device.sync())).toBe('not-signed-in')
    offline = false
    // Without its keys the vault cannot be made anywhere else: what devices hold of it would be lost to each other.
    expect(await codeOf(() => device.signIn(signIn(server, { vault: 'second' })))).toBe('wrong-vault')
    const other = await testDevice()
    await other.signIn(signIn(server, { vault: 'another' }))
    expect(await codeOf(() => device.signIn(signIn(server, { intent: 'join', vault: 'another' })))).toBe('wrong-vault')
    await device.signIn(signIn(server, { intent: 'join' }))
    expect(await device.signOut({ wipe: false })).toEqual({ serverTold: true })
  })

  test('with wipe nothing is left in the home but what is not ours', async () => {
    const server = await runningServer()
    const device = await testDevice()
    await device.signIn(signIn(server))
    writeFileSync(join(device.home, 'notes-of-mine.txt'), 'x')
    writeFileSync(join(device.home, 'keys.json.0123456789abcdef.tmp'), 'left by a crash')
    await device.signOut({ wipe: true })
    expect(readdirSync(device.home)).toEqual(['notes-of-mine.txt'])
  })

  test('[KEY-1] a process that hears of the end of its session does not bring back what another one removed', async () => {
    const server = await runningServer()
    const home = temporaryFolder()
    const watching = await testDevice({ home })
    await watching.signIn(signIn(server))
    await watching.sync()
    const other = await testDevice({ home })
    await other.signOut({ wipe: false })
    expect(await codeOf(() => watching.sync())).toBe('needs-password')
    for (const name of ['vaultKeys', 'token']) expect(file(home, 'keys.json')).not.toHaveProperty(name)
    expect(file(home, 'profile.json')).not.toHaveProperty('passphrase')
    expect(watching.profile.signedIn).toBe(false)
  })
})

describe('the home', () => {
  test('damaged or newer key files are told by name, and left as they are', async () => {
    const home = temporaryFolder()
    await (await testDevice({ home })).close()
    for (const text of ['{"format":1,', '{"format":2}', '{"format":1,"deviceId":"short"}', '[]']) {
      writeFileSync(join(home, 'keys.json'), text)
      await expect(testDevice({ home })).rejects.toMatchObject({ code: 'database-newer' })
      expect(readFileSync(join(home, 'keys.json'), 'utf8')).toBe(text)
    }
    expect(existsSync(join(home, 'profile.json'))).toBe(true)
  })

  test('a crash between the two files leaves a device that can sign in', async () => {
    const server = await runningServer()
    const device = await testDevice()
    await device.signIn(signIn(server))
    writeFileSync(join(device.home, 'profile.json'), '{"format":1}')
    const again = await testDevice({ home: device.home })
    expect(again.profile.signedIn).toBe(false)
    await again.signIn(signIn(server, { intent: 'join' }))
    await again.sync()
  })
})

describe('a home that was copied', () => {
  test('[LOG-3] becomes a device of its own at its next sign-in, so that two copies do not end each other’s sessions', async () => {
    const server = await runningServer()
    const one = await testDevice()
    await one.signIn(signIn(server))
    one.vault.transact((tx) => tx.insert('notes', {}, 'first'))
    await one.sync()
    const home = temporaryFolder()
    one.vault.store.driver.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    for (const name of ['vault.db', 'keys.json', 'profile.json']) copyFileSync(join(one.home, name), join(home, name))
    const copy = await testDevice({ home })
    one.vault.transact((tx) => tx.insert('notes', {}, 'of-one'))
    await one.sync()
    copy.vault.transact((tx) => tx.insert('notes', {}, 'of-copy'))
    await copy.sync()
    expect(copy.vault.store.replica).not.toBe(one.vault.store.replica)
    expect(copy.id).toBe(one.id)
    await copy.signOut({ wipe: false })
    // Their one session: now both have to sign in.
    expect(await codeOf(() => one.sync())).toBe('needs-password')
    await copy.signIn(signIn(server, { intent: 'join', deviceName: 'copy' }))
    await one.signIn(signIn(server, { intent: 'join' }))
    expect(copy.id).not.toBe(one.id)
    for (const device of [one, copy, one, copy]) await device.sync()
    const ids = (device: typeof one) => device.vault.query('SELECT id FROM notes ORDER BY id').map(({ id }) => id)
    for (const device of [one, copy]) expect(ids(device)).toEqual(['first', 'of-copy', 'of-one'])
    expect((await one.listDevices()).map(({ name }) => name).sort()).toEqual(['copy', 'laptop'])
  })
})
