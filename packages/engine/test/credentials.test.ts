import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { EngineError } from '#errors'
import type { HttpClient, HttpRequest } from '#http'
import { createNodeHttp } from '#platform/node/http'
import { Remote } from '#remote'
import { parseSecrets } from '#secrets'
import { type RunningServer, runningServer } from '../../../tests/support/running-server.ts'
import { PASSPHRASE, signIn, testDevice } from './support/devices.ts'
import { homeFile } from './support/homes.ts'
import { codeOf, temporaryFolder } from './support/vaults.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const PASSWORD = 'correct horse'
type TestDevice = Awaited<ReturnType<typeof testDevice>>
const secretsOf = ({ home }: TestDevice) => parseSecrets(homeFile(home, 'keys.json'))
const epochsOf = (device: TestDevice) => secretsOf(device).vaultKeys?.map(([epoch]) => epoch)
const titles = ({ vault }: TestDevice) => vault.query('SELECT title FROM notes ORDER BY title').map(({ title }) => title)
const write = ({ vault }: TestDevice, title: string) => vault.transact((tx) => tx.insert('notes', { title }))
const bundleVersion = async (server: RunningServer, device: TestDevice) =>
  (await new Remote({ server: server.url, http: createNodeHttp().http }).credentials(secretsOf(device).token as string)).bundle
    .version

/** A network that a test breaks. */
function fragile() {
  const state = {
    offline: false,
    /** Answers to changes of credentials are lost; `then` is what the network is like after one. */
    lose: undefined as 'and goes on' | 'and stays broken' | undefined,
    /** The change itself does not arrive. */
    swallow: false,
  }
  const network =
    (http: HttpClient): HttpClient =>
    async (request: HttpRequest) => {
      if (state.offline) throw new EngineError('offline', 'out of reach')
      if (request.method !== 'PUT' || state.lose === undefined) return http(request)
      state.offline = state.lose === 'and stays broken'
      state.lose = undefined
      if (!state.swallow) for await (const _ of (await http(request)).body);
      throw new EngineError('offline', 'the answer was lost')
    }
  return { state, network }
}

describe('a change of the password whose answer is lost', () => {
  const change = { currentPassword: PASSWORD, newPassword: 'next', newPassphrase: 'a phrase of my own' }

  test('[KEY-4] is found to be made', async () => {
    const server = await runningServer()
    const { state, network } = fragile()
    const device = await testDevice({ network })
    await device.signIn(signIn(server))
    state.lose = 'and goes on'
    expect(await device.changePassword(change)).toEqual({ repaired: false })
    expect(device.profile.passphrase).toBe('a phrase of my own')
    await device.sync()
    const other = await testDevice()
    await other.signIn(signIn(server, { intent: 'join', password: 'next', passphrase: 'a phrase of my own' }))
  })

  test('[KEY-1] [KEY-4] out of reach afterwards: profile.json never calls the passphrase what is not; the next sync settles it', async () => {
    const server = await runningServer()
    const { state, network } = fragile()
    const device = await testDevice({ network })
    await device.signIn(signIn(server))
    state.lose = 'and stays broken'
    expect(await codeOf(() => device.changePassword(change))).toBe('offline')
    expect(homeFile(device.home, 'profile.json')).toMatchObject({
      passphrase: PASSPHRASE,
      change: { passphrase: 'a phrase of my own', bundleVersion: 2 },
    })
    await device.close()
    const again = await testDevice({ home: device.home })
    await again.sync()
    expect(again.profile.passphrase).toBe('a phrase of my own')
    expect(homeFile(again.home, 'profile.json')).not.toHaveProperty('change')
  })

  test('[KEY-4] that never arrived: the old ones hold, and it can be made again', async () => {
    const server = await runningServer()
    const { state, network } = fragile()
    const device = await testDevice({ network })
    await device.signIn(signIn(server))
    state.lose = 'and stays broken'
    state.swallow = true
    expect(await codeOf(() => device.changePassword(change))).toBe('offline')
    state.offline = false
    await device.sync()
    expect(device.profile.passphrase).toBe(PASSPHRASE)
    // It could still be on its way: the note stays.
    expect(homeFile(device.home, 'profile.json')).toHaveProperty('change')
    await device.changePassword({ currentPassword: PASSWORD, newPassword: 'another' })
    expect(device.profile.passphrase).toBe(PASSPHRASE)
    expect(homeFile(device.home, 'profile.json')).not.toHaveProperty('change')
  })

  test('[KEY-4] and the session is lost, too: signing in finds out which passphrase it is', async () => {
    const server = await runningServer()
    for (const swallow of [false, true]) {
      const vault = `vault-${swallow}`
      const { state, network } = fragile()
      const device = await testDevice({ network })
      await device.signIn(signIn(server, { vault }))
      state.lose = 'and stays broken'
      state.swallow = swallow
      expect(await codeOf(() => device.changePassword(change))).toBe('offline')
      await new Remote({ server: server.url, http: createNodeHttp().http }).signOut(secretsOf(device).token as string)
      state.offline = false
      expect(await codeOf(() => device.sync())).toBe('needs-password')
      const password = swallow ? PASSWORD : 'next'
      await device.signIn(signIn(server, { vault, intent: 'join', passphrase: undefined, password }))
      expect(device.profile.passphrase).toBe(swallow ? PASSPHRASE : 'a phrase of my own')
      expect(homeFile(device.home, 'profile.json')).not.toHaveProperty('change')
    }
  })

  test('[KEY-4] and somebody has changed the bundle since: the next password typed tells', async () => {
    const server = await runningServer()
    const { state, network } = fragile()
    const device = await testDevice({ network })
    await device.signIn(signIn(server))
    state.lose = 'and stays broken'
    expect(await codeOf(() => device.changePassword(change))).toBe('offline')
    const other = await testDevice()
    await other.signIn(signIn(server, { intent: 'join', password: 'next', passphrase: 'a phrase of my own' }))
    // The same password again: it ends no session, but it is another bundle.
    await other.changePassword({ currentPassword: 'next', newPassword: 'next' })
    state.offline = false
    await device.sync()
    expect(homeFile(device.home, 'profile.json')).toMatchObject({ passphrase: PASSPHRASE, change: { asked: true } })
    await device.changePassword({ currentPassword: 'next', newPassword: 'third' })
    expect(device.profile.passphrase).toBe('a phrase of my own')
  })
})

describe('a server that was restored from a backup', () => {
  /** A server that can be put back to where it was. */
  async function restorable() {
    const data = temporaryFolder()
    const first = await runningServer({ data })
    const port = Number(new URL(first.url).port)
    let running = first
    const copy = join(temporaryFolder(), 'copy')
    return {
      server: first,
      async backUp() {
        await running.close()
        cpSync(data, copy, { recursive: true })
        running = await runningServer({ data, port })
      },
      async restore() {
        await running.close()
        rmSync(data, { recursive: true })
        cpSync(copy, data, { recursive: true })
        running = await runningServer({ data, port })
      },
    }
  }

  test('[KEY-4] from before a revocation: a device that has signed out has no keys to give back, and writes nothing', async () => {
    const { server, backUp, restore } = await restorable()
    const laptop = await testDevice()
    await laptop.signIn(signIn(server))
    const tablet = await testDevice()
    await tablet.signIn(signIn(server, { intent: 'join', deviceName: 'tablet' }))
    await tablet.sync()
    await laptop.sync()
    await backUp()
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    write(laptop, 'after')
    await laptop.sync()
    await restore()

    await laptop.signOut({ wipe: false })
    const { repaired } = await laptop.signIn(signIn(server, { intent: 'join' }))
    expect(repaired).toBe(undefined)
    expect(epochsOf(laptop)).toEqual([1])
    expect(await bundleVersion(server, laptop)).toBe(1)
  })

  test('[KEY-4] changing the password gives it all epochs again, under a version above all seen, and says so', async () => {
    const { server, backUp, restore } = await restorable()
    const laptop = await testDevice()
    await laptop.signIn(signIn(server))
    const tablet = await testDevice()
    await tablet.signIn(signIn(server, { intent: 'join', deviceName: 'tablet' }))
    await tablet.sync()
    await laptop.sync()
    await backUp()
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    expect(await bundleVersion(server, laptop)).toBe(2)
    await restore()
    expect(await bundleVersion(server, laptop)).toBe(1)
    expect(await laptop.changePassword({ currentPassword: PASSWORD, newPassword: 'next' })).toEqual({ repaired: true })
    expect(await bundleVersion(server, laptop)).toBe(3)
    const young = await testDevice()
    await young.signIn(signIn(server, { intent: 'join', password: 'next' }))
    expect(epochsOf(young)).toEqual([1, 2])
  })

  test('[KEY-4] from before a change of the password: the one from then opens it, and the sentence says that', async () => {
    const { server, backUp, restore } = await restorable()
    const laptop = await testDevice()
    await laptop.signIn(signIn(server))
    await backUp()
    await laptop.changePassword({ currentPassword: PASSWORD, newPassword: 'next' })
    await restore()
    const attempt = laptop.changePassword({ currentPassword: 'next', newPassword: 'third' })
    await expect(attempt).rejects.toMatchObject({ code: 'wrong-credentials', message: expect.stringContaining('backup') })
    await laptop.changePassword({ currentPassword: PASSWORD, newPassword: 'third' })
    expect(await bundleVersion(server, laptop)).toBe(3)
  })

  test('[KEY-4] signing in after a 401 repairs it', async () => {
    const { server, backUp, restore } = await restorable()
    const laptop = await testDevice()
    await laptop.signIn(signIn(server))
    const tablet = await testDevice()
    await tablet.signIn(signIn(server, { intent: 'join', deviceName: 'tablet' }))
    await tablet.sync()
    await laptop.sync()
    await backUp()
    const other = await testDevice()
    await other.signIn(signIn(server, { intent: 'join', deviceName: 'other' }))
    await other.sync()
    await laptop.sync()
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    write(laptop, 'after')
    await laptop.sync()
    await other.sync()
    await restore()
    // It had signed in after the backup: the server does not know its session.
    expect(await codeOf(() => other.sync())).toBe('needs-password')
    expect(await other.signIn(signIn(server, { intent: 'join', deviceName: 'other' }))).toMatchObject({ repaired: true })
    expect(await bundleVersion(server, other)).toBe(3)
    expect(epochsOf(other)).toEqual([1, 2])
    const young = await testDevice()
    await young.signIn(signIn(server, { intent: 'join', deviceName: 'young' }))
    expect(epochsOf(young)).toEqual([1, 2])
    await other.sync()
    await young.sync()
    expect(titles(young)).toEqual(['after'])
  })
})

describe('moving a vault', () => {
  test('[KEY-6] to another server: the same vault, with all its keys, and a passphrase that the old server never saw', async () => {
    const [old, next] = [await runningServer(), await runningServer()]
    const laptop = await testDevice()
    await laptop.signIn(signIn(old))
    const phone = await testDevice()
    await phone.signIn(signIn(old, { intent: 'join', deviceName: 'phone' }))
    const tablet = await testDevice()
    await tablet.signIn(signIn(old, { intent: 'join', deviceName: 'tablet' }))
    for (const device of [tablet, phone, laptop, phone]) await device.sync()
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    write(laptop, 'moved')
    await laptop.sync()
    const before = { keys: secretsOf(laptop).vaultKeys, token: secretsOf(laptop).token as string }
    const vaultId = laptop.vault.store.meta.get('vaultId')

    const moved = await laptop.signIn(signIn(next, { passphrase: undefined, move: true }))
    expect(moved).toMatchObject({ created: true, moved: true, passphrase: expect.any(String) })
    expect(moved.passphrase).not.toBe(PASSPHRASE)
    expect(laptop.vault.store.meta.get('vaultId')).toEqual(vaultId)
    expect(secretsOf(laptop).vaultKeys).toEqual(before.keys)
    // The old server's session is over, and bundle versions go on.
    const remote = new Remote({ server: old.url, http: createNodeHttp().http })
    expect(await codeOf(() => remote.credentials(before.token))).toBe('needs-password')
    expect(await bundleVersion(next, laptop)).toBe(3)
    await laptop.sync()

    await phone.signOut({ wipe: false })
    await phone.signIn(signIn(next, { intent: 'join', passphrase: moved.passphrase, deviceName: 'phone' }))
    await phone.sync()
    expect(titles(phone)).toEqual(['moved'])
    write(phone, 'from the phone')
    await phone.sync()
    await laptop.sync()
    expect(titles(laptop)).toEqual(['from the phone', 'moved'])
    for (const device of [laptop, phone]) expect(device.status().state).toBe('synced')
  })

  test('[KEY-6] to a server that was wiped, under the same name and passphrase', async () => {
    const data = temporaryFolder()
    const first = await runningServer({ data })
    const port = Number(new URL(first.url).port)
    const laptop = await testDevice()
    await laptop.signIn(signIn(first))
    const phone = await testDevice()
    await phone.signIn(signIn(first, { intent: 'join', deviceName: 'phone' }))
    write(laptop, 'kept')
    for (const device of [laptop, phone]) await device.sync()
    await first.close()
    rmSync(data, { recursive: true })
    const server = await runningServer({ data: temporaryFolder(), port })
    expect(await codeOf(() => laptop.sync())).toBe('needs-password')
    // Only where the person says so: a password may have been mistyped.
    expect(await codeOf(() => laptop.signIn(signIn(server)))).toBe('wrong-credentials')
    expect(await laptop.signIn(signIn(server, { passphrase: undefined, move: true }))).toMatchObject({
      moved: true,
      passphrase: PASSPHRASE,
    })
    await laptop.sync()
    expect(await codeOf(() => phone.sync())).toBe('needs-password')
    await phone.signIn(signIn(server, { intent: 'join', passphrase: undefined, deviceName: 'phone' }))
    await phone.sync()
    expect(titles(phone)).toEqual(['kept'])
  })

  test('[KEY-6] refused where the name is taken: everything stays as it was, the session, too', async () => {
    const [old, next] = [await runningServer(), await runningServer()]
    const laptop = await testDevice()
    await laptop.signIn(signIn(old))
    await laptop.sync()
    await (await testDevice()).signIn(signIn(next, { password: "somebody else's" }))
    const before = [homeFile(laptop.home, 'keys.json'), homeFile(laptop.home, 'profile.json')]
    expect(await codeOf(() => laptop.signIn(signIn(next, { move: true })))).toBe('sign-up-refused')
    expect([homeFile(laptop.home, 'keys.json'), homeFile(laptop.home, 'profile.json')]).toEqual(before)
    await laptop.sync()
    // Signed in here, the same place needs a sign-out first, and another vault needs another home.
    expect(await codeOf(() => laptop.signIn(signIn(old, { move: true })))).toBe('already-signed-in')
    expect(await codeOf(() => laptop.signIn(signIn(next)))).toBe('already-signed-in')
    expect(await codeOf(() => laptop.signIn(signIn(next, { intent: 'join' })))).toBe('already-signed-in')
  })

  test('[KEY-6] whose answer is lost: the device stays where it was, and the next try goes on with the same passphrase', async () => {
    const [old, next] = [await runningServer(), await runningServer()]
    for (const arrives of [true, false]) {
      const vault = `vault-${arrives}`
      let lose = false
      const network = (http: HttpClient) => async (request: HttpRequest) => {
        if (!lose || request.url !== `${next.url}/v1/vaults`) return http(request)
        if (arrives) for await (const _ of (await http(request)).body);
        throw new EngineError('offline', 'the answer was lost')
      }
      const laptop = await testDevice({ network })
      await laptop.signIn(signIn(old, { vault }))
      write(laptop, 'kept')
      await laptop.sync()
      lose = true
      const moving = signIn(next, { vault, passphrase: undefined, move: true })
      expect(await codeOf(() => laptop.signIn(moving))).toBe('offline')
      expect(laptop.profile).toMatchObject({ server: old.url, passphrase: PASSPHRASE, signedIn: true })
      await laptop.sync()
      const { move } = homeFile(laptop.home, 'profile.json') as { move: { passphrase: string } }
      lose = false
      const moved = await laptop.signIn(moving)
      expect(moved).toMatchObject({ created: true, moved: true, passphrase: move.passphrase })
      expect(homeFile(laptop.home, 'profile.json')).not.toHaveProperty('move')
      await laptop.sync()
      const young = await testDevice()
      await young.signIn(signIn(next, { vault, intent: 'join', passphrase: moved.passphrase }))
      await young.sync()
      expect(titles(young)).toEqual(['kept'])
    }
  })

  test('[HTTP-2] the token of the old server is never shown to the new one', async () => {
    const [old, next] = [await runningServer(), await runningServer()]
    const seen: string[] = []
    let lose = true
    const laptop = await testDevice({
      network: (http) => async (request) => {
        if (request.url === `${next.url}/v1/vaults` && lose) {
          lose = false
          throw new EngineError('offline', 'out of reach')
        }
        if (request.url.startsWith(next.url))
          seen.push(JSON.stringify(request.headers) + Buffer.from(request.body ?? []).toString())
        return http(request)
      },
    })
    await laptop.signIn(signIn(old))
    const token = secretsOf(laptop).token as string
    // Also where the move stops halfway.
    expect(await codeOf(() => laptop.signIn(signIn(next, { move: true })))).toBe('offline')
    expect(laptop.profile).toMatchObject({ server: old.url, signedIn: true })
    await laptop.sync()
    await laptop.signIn(signIn(next, { move: true }))
    await laptop.sync()
    expect(seen.length).toBeGreaterThan(2)
    expect(seen.filter((text) => text.includes(token))).toEqual([])
  })
})
