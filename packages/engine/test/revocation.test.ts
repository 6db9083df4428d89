import { deriveRootKey } from '@lockstep/crypto/derivation'
import { deriveAuthKey } from '@lockstep/crypto/hierarchy'
import { describe, expect, test, vi } from 'vitest'
import { fromRowId, toRowId } from '#cell'
import { isClosed } from '#closings'
import { EngineError } from '#errors'
import type { HttpClient, HttpRequest } from '#http'
import { nodeCompression } from '#platform/node/compression'
import { createSealer } from '#sealing'
import { PASSPHRASE, signIn, testDevice } from './support/devices.ts'
import { homeFile } from './support/homes.ts'
import { join, keysOf, PASSWORD, remoteOf, secretsOf, type TestDevice, titles, vaultOf, write } from './support/members.ts'
import { codeOf } from './support/vaults.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const isRevocation = ({ method, url }: HttpRequest) => method === 'POST' && url.endsWith('/revocation')

describe('revoking a device', () => {
  test('[KEY-3] [KEY-2] it is out at once and for good; the others go on without a password', async () => {
    const { server, devices } = await vaultOf(['laptop', 'phone', 'tablet'])
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    write(laptop, 'before')
    await laptop.sync()
    await tablet.sync()
    const oldKeys = keysOf(tablet)
    expect(await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })).toEqual({
      id: tablet.id,
      name: 'tablet',
      revokedBefore: false,
      repaired: false,
    })
    expect((await laptop.listDevices()).map(({ name, revoked }) => [name, revoked])).toEqual([
      ['laptop', false],
      ['phone', false],
      ['tablet', true],
    ])
    write(tablet, 'by the thief')
    await expect(tablet.sync()).rejects.toMatchObject({ code: 'needs-password', message: expect.stringContaining('revoked') })
    expect(await codeOf(() => tablet.signIn(signIn(server, { intent: 'join' })))).toBe('device-revoked')
    // What was there stays readable there; what is wrong stays wrong.
    expect(titles(tablet)).toContain('before')

    write(laptop, 'after')
    write(phone, 'from the phone')
    await laptop.sync()
    await phone.sync()
    await laptop.sync()
    expect(titles(laptop)).toEqual(['after', 'before', 'from the phone'])
    expect(titles(phone)).toEqual(['after', 'before', 'from the phone'])
    expect([...keysOf(phone).keys()]).toEqual([1, 2])
    expect(keysOf(phone)).toEqual(keysOf(laptop))
    for (const device of [laptop, phone]) expect(device.status()).toMatchObject({ state: 'synced', problems: [] })

    // The server's raw bytes and the tablet's keys open nothing that was written since.
    const remote = remoteOf(server)
    const token = secretsOf(laptop).token as string
    const sealer = createSealer({
      vaultId: laptop.vault.store.meta.get('vaultId') as Uint8Array,
      vaultKeys: oldKeys,
      compression: nodeCompression,
      random: (length) => new Uint8Array(length),
    })
    const outcomes: string[] = []
    for await (const { segments } of remote.pull(token, { after: 0, chain: new Uint8Array(32) })) {
      for (const segment of segments) {
        const open = (epoch: number) =>
          sealer.open({ ...segment, epoch }, segment.sealed).then(
            () => 'opened',
            () => 'shut',
          )
        outcomes.push(`${segment.epoch} ${await open(segment.epoch)} ${segment.epoch === 1 ? '' : await open(1)}`.trim())
      }
    }
    expect(outcomes.filter((outcome) => outcome === '1 opened').length).toBeGreaterThan(2)
    expect(outcomes.filter((outcome) => outcome === '2 shut shut').length).toBeGreaterThanOrEqual(2)
    expect(new Set(outcomes)).toEqual(new Set(['1 opened', '2 shut shut']))

    // All know what the epoch ended with: the author, who was handed it, and who joined later.
    const young = await join(server, 'young')
    const closed = ({ vault }: TestDevice) => vault.query('SELECT epoch, replica, counter FROM _closed ORDER BY replica')
    expect(closed(laptop).map(({ epoch }) => epoch)).toEqual([1, 1, 1, 1])
    expect(closed(phone)).toEqual(closed(laptop))
    expect(closed(young)).toEqual(closed(laptop))

    const again = await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    expect(again).toMatchObject({ revokedBefore: true })
    expect([...keysOf(laptop).keys()]).toEqual([1, 2])
  })

  test('[KEY-3] needs the password, and a device that is another one of this vault', async () => {
    const { devices } = await vaultOf(['laptop', 'phone'])
    const [laptop, phone] = devices as [TestDevice, TestDevice]
    const attempt = (id: string, currentPassword: string) => codeOf(() => laptop.revokeDevice({ id, currentPassword }))
    expect(await attempt(phone.id, 'wrong')).toBe('wrong-credentials')
    expect(await attempt(laptop.id, PASSWORD)).toBe('no-such-device')
    expect(await attempt(toRowId(new Uint8Array(16)), PASSWORD)).toBe('no-such-device')
    expect(await attempt('not an id', PASSWORD)).toBe('no-such-device')
    expect((await laptop.listDevices()).every(({ revoked }) => !revoked)).toBe(true)
    await phone.sync()
  })

  test('[KEY-2] [KEY-4] a device that was away over three rotations catches up without a password, and what it had written arrives', async () => {
    const { devices } = await vaultOf(['laptop', 'drawer', 'a', 'b', 'c'])
    const [laptop, drawer, ...gone] = devices as [TestDevice, TestDevice, TestDevice, TestDevice, TestDevice]
    write(drawer, 'written in the drawer')
    for (const device of gone) {
      await laptop.revokeDevice({ id: device.id, currentPassword: PASSWORD })
      write(laptop, `after ${device.profile.deviceName}`)
      await laptop.sync()
    }
    await drawer.sync()
    await laptop.sync()
    expect([...keysOf(drawer).keys()]).toEqual([1, 2, 3, 4])
    const all = ['after a', 'after b', 'after c', 'written in the drawer']
    expect(titles(drawer)).toEqual(all)
    expect(titles(laptop)).toEqual(all)
    for (const device of [laptop, drawer]) expect(device.status()).toMatchObject({ state: 'synced', problems: [] })
  })

  test('[KEY-2] epochs by several authors, one of whom joined in the meantime', async () => {
    const { server, devices } = await vaultOf(['laptop', 'drawer', 'a', 'b'])
    const [laptop, drawer, a, b] = devices as [TestDevice, TestDevice, TestDevice, TestDevice]
    await laptop.revokeDevice({ id: a.id, currentPassword: PASSWORD })
    const young = await join(server, 'young')
    await laptop.sync()
    await young.revokeDevice({ id: b.id, currentPassword: PASSWORD })
    write(young, 'by young')
    await young.sync()
    await drawer.sync()
    expect(titles(drawer)).toEqual(['by young'])
    expect([...keysOf(drawer).keys()]).toEqual([1, 2, 3])
    expect(drawer.status()).toMatchObject({ state: 'synced', problems: [] })
  })

  test('[KEY-2] a device that joined in the same minute has no grant: it asks for the password, and loses nothing', async () => {
    const { server, devices } = await vaultOf(['laptop', 'tablet'])
    const [laptop, tablet] = devices as [TestDevice, TestDevice]
    const young = await testDevice()
    await young.signIn(signIn(server, { intent: 'join', deviceName: 'young' }))
    write(young, 'by young')
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    expect(await codeOf(() => young.sync())).toBe('needs-password')
    expect(young.status().state).toBe('needs-password')
    await young.signIn(signIn(server, { intent: 'join', deviceName: 'young' }))
    await young.sync()
    await laptop.sync()
    expect(titles(laptop)).toEqual(['by young'])
  })

  test('[KEY-3] with a new password and passphrase: the others are asked for them, the thief has neither', async () => {
    const { server, devices } = await vaultOf(['laptop', 'phone', 'tablet'])
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    const result = await laptop.revokeDevice({
      id: tablet.id,
      currentPassword: PASSWORD,
      newPassword: 'next',
      generatePassphrase: true,
    })
    expect(result.passphrase?.split(' ')).toHaveLength(12)
    expect(laptop.profile.passphrase).toBe(result.passphrase)
    expect(homeFile(laptop.home, 'profile.json')).not.toHaveProperty('change')
    await laptop.sync()
    expect(await codeOf(() => phone.sync())).toBe('needs-password')
    const thief = await testDevice()
    expect(await codeOf(() => thief.signIn(signIn(server, { intent: 'join' })))).toBe('wrong-credentials')
    const right = { intent: 'join', password: 'next', passphrase: result.passphrase } as const
    await phone.signIn(signIn(server, right))
    await phone.sync()
    expect([...keysOf(phone).keys()]).toEqual([1, 2])
  })
})

describe('afterwards', () => {
  test('[KEY-4] segments of the closed epoch that it does not cover are known as such, by who stayed and who joined later', async () => {
    const { server, devices } = await vaultOf(['laptop', 'phone', 'tablet'])
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    const head = laptop.vault.query("SELECT counter FROM _closed WHERE replica = '00000000000000000000000000000000'")
    write(laptop, 'after')
    await laptop.sync()
    await phone.sync()
    const young = await join(server, 'young')
    const { counter } = tablet.vault.query('SELECT max(counter) AS counter FROM _segments')[0] as { counter: number }
    const segment = (fields: object) => ({
      kind: 0 as const,
      epoch: 1,
      replica: Buffer.from(tablet.vault.store.replica, 'hex'),
      counter,
      previous: new Uint8Array(32),
      sealed: new Uint8Array(0),
      first: 99,
      last: 99,
      ...fields,
    })
    for (const { vault } of [laptop, phone, young]) {
      expect(isClosed(vault.store, segment({}))).toBe(false)
      expect(isClosed(vault.store, segment({ counter: counter + 1 }))).toBe(true)
      // A replica that nobody had heard of when the epoch ended.
      expect(isClosed(vault.store, segment({ counter: 1, replica: new Uint8Array(16).fill(7) }))).toBe(true)
      expect(isClosed(vault.store, segment({ epoch: 2, counter: counter + 1 }))).toBe(false)
      const last = (head[0] as { counter: number }).counter
      for (const kind of [2, 3]) {
        expect(isClosed(vault.store, segment({ kind, last, counter: last }))).toBe(false)
        expect(isClosed(vault.store, segment({ kind, last: last + 1, counter: last + 1 }))).toBe(true)
      }
    }
  })

  test('[KEY-2] a device that watches goes on watching', async () => {
    const { devices } = await vaultOf(['laptop', 'phone', 'tablet'])
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    const connected = Promise.withResolvers<void>()
    const watching = phone.watch({
      mode: 'live',
      onEvent: (event) => event.type === 'live' && event.connected && connected.resolve(),
    })
    await connected.promise
    const seen = Promise.withResolvers<void>()
    const subscription = phone.vault.live('SELECT title FROM notes', [], (rows) => rows.length > 0 && seen.resolve())
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    write(laptop, 'after')
    await laptop.sync()
    await seen.promise
    subscription.stop()
    expect(titles(phone)).toEqual(['after'])
    write(phone, 'from the phone')
    await watching.syncNow()
    await watching.stop()
    await laptop.sync()
    expect(titles(laptop)).toEqual(['after', 'from the phone'])
    expect(phone.status().problems).toEqual([])
  })
})

describe('at the same moment', () => {
  /** Does something before the next revocation request is sent. */
  function before(): { readonly network: (http: HttpClient) => HttpClient; once(work: () => Promise<unknown>): void } {
    let work: (() => Promise<unknown>) | undefined
    return {
      once: (next) => {
        work = next
      },
      network: (http) => async (request) => {
        if (isRevocation(request) && work !== undefined) {
          const now = work
          work = undefined
          await now()
        }
        return http(request)
      },
    }
  }

  test('[KEY-4] a push: the record is made again, and closes the epoch with the pushed segment in it', async () => {
    const hook = before()
    const { devices } = await vaultOf(['laptop', 'phone', 'tablet'], { laptop: hook.network })
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    hook.once(async () => {
      write(tablet, 'in the last moment')
      await tablet.sync()
    })
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    await phone.sync()
    expect(titles(phone)).toEqual(['in the last moment'])
    expect(titles(laptop)).toEqual(['in the last moment'])
    expect(phone.status().problems).toEqual([])
  })

  test('[KEY-4] two revocations: both are made, one after the other', async () => {
    const hook = before()
    const { devices } = await vaultOf(['laptop', 'phone', 'a', 'b'], { laptop: hook.network })
    const [laptop, phone, a, b] = devices as [TestDevice, TestDevice, TestDevice, TestDevice]
    hook.once(() => phone.revokeDevice({ id: b.id, currentPassword: PASSWORD }))
    await laptop.revokeDevice({ id: a.id, currentPassword: PASSWORD })
    write(laptop, 'after both')
    await laptop.sync()
    await phone.sync()
    expect(titles(phone)).toEqual(['after both'])
    expect([...keysOf(phone).keys()]).toEqual([1, 2, 3])
    expect(keysOf(phone)).toEqual(keysOf(laptop))
    expect((await laptop.listDevices()).filter(({ revoked }) => revoked)).toHaveLength(2)
  })

  test('[KEY-4] the same device from two sides is revoked once', async () => {
    const hook = before()
    const { devices } = await vaultOf(['laptop', 'phone', 'tablet'], { laptop: hook.network })
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    hook.once(() => phone.revokeDevice({ id: tablet.id, currentPassword: PASSWORD }))
    expect(await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })).toMatchObject({ revokedBefore: true })
    write(laptop, 'after')
    await laptop.sync()
    expect([...keysOf(laptop).keys()]).toEqual([1, 2])
  })

  test('[KEY-4] a change of the password: nothing is revoked, and the person knows', async () => {
    const hook = before()
    const { devices } = await vaultOf(['laptop', 'phone', 'tablet'], { laptop: hook.network })
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    hook.once(() => phone.changePassword({ currentPassword: PASSWORD, newPassword: 'next' }))
    expect(await codeOf(() => laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD }))).toBe('needs-password')
    expect((await phone.listDevices()).every(({ revoked }) => !revoked)).toBe(true)
    expect(homeFile(laptop.home, 'profile.json')).not.toHaveProperty('change')
  })

  test('[KEY-4] of two devices that revoke each other one is left', async () => {
    const hook = before()
    const { devices } = await vaultOf(['laptop', 'phone'], { laptop: hook.network })
    const [laptop, phone] = devices as [TestDevice, TestDevice]
    hook.once(() => phone.revokeDevice({ id: laptop.id, currentPassword: PASSWORD }))
    expect(await codeOf(() => laptop.revokeDevice({ id: phone.id, currentPassword: PASSWORD }))).toBe('needs-password')
    await phone.sync()
    expect((await phone.listDevices()).map(({ name, revoked }) => [name, revoked])).toEqual([
      ['laptop', true],
      ['phone', false],
    ])
  })
})

describe('a lost answer', () => {
  test('[KEY-4] to the revocation: found out at once', async () => {
    let lose = true
    const losing = (http: HttpClient) => async (request: HttpRequest) => {
      const response = await http(request)
      if (!isRevocation(request) || !lose) return response
      lose = false
      for await (const _ of response.body);
      throw new EngineError('offline', 'the answer was lost')
    }
    const { devices } = await vaultOf(['laptop', 'tablet'], { laptop: losing })
    const [laptop, tablet] = devices as [TestDevice, TestDevice]
    const newPassphrase = 'a phrase of my own'
    const result = await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD, newPassphrase })
    expect(result).toMatchObject({ revokedBefore: false, passphrase: newPassphrase })
    expect(laptop.profile.passphrase).toBe(newPassphrase)
    write(laptop, 'after')
    await laptop.sync()
    expect(laptop.status().state).toBe('synced')
  })

  test('[KEY-2] [KEY-4] and the server out of reach after it: the next sync finds key and passphrase, after a crash, too', async () => {
    let offline = false
    const losing = (http: HttpClient) => async (request: HttpRequest) => {
      if (offline) throw new EngineError('offline', 'out of reach')
      const response = await http(request)
      if (!isRevocation(request)) return response
      for await (const _ of response.body);
      offline = true
      throw new EngineError('offline', 'the answer was lost')
    }
    const { devices } = await vaultOf(['laptop', 'tablet'], { laptop: losing })
    const [laptop, tablet] = devices as [TestDevice, TestDevice]
    const newPassphrase = 'a phrase of my own'
    expect(await codeOf(() => laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD, newPassphrase }))).toBe('offline')
    // What the profile calls the passphrase is one that opens the vault or the one before; the other is beside it.
    expect(homeFile(laptop.home, 'profile.json')).toMatchObject({ passphrase: PASSPHRASE, change: { passphrase: newPassphrase } })
    await laptop.close()
    const again = await testDevice({ home: laptop.home })
    write(again, 'after')
    await again.sync()
    expect(again.profile.passphrase).toBe(newPassphrase)
    expect([...keysOf(again).keys()]).toEqual([1, 2])
    expect(again.status()).toMatchObject({ state: 'synced', problems: [] })
  })
})

describe('what a stolen token is good for', () => {
  test('[KEY-3] not for revoking or changing anything without the auth key', async () => {
    const { server, devices } = await vaultOf(['laptop', 'phone'])
    const [laptop, phone] = devices as [TestDevice, TestDevice]
    const remote = remoteOf(server)
    const token = secretsOf(laptop).token as string
    const now = await remote.credentials(token)
    const vaultId = laptop.vault.store.meta.get('vaultId') as Uint8Array
    const root = await deriveRootKey({ suite: 'pbkdf2-sha256-1200000', password: 'a guess', passphrase: PASSPHRASE })
    const change = {
      currentAuthKey: deriveAuthKey(root, vaultId),
      suite: 'pbkdf2-sha256-1200000',
      salt: new Uint8Array(16),
      authKey: new Uint8Array(32),
      replaces: now.bundle.version,
      bundle: { version: now.bundle.version + 1, sealed: new Uint8Array(400) },
    }
    expect(await codeOf(() => remote.changeCredentials(token, change))).toBe('wrong-credentials')
    const status = laptop.vault.store.meta
    const revocation = {
      ...change,
      epoch: 2,
      rotation: new Uint8Array(500),
      head: status.get('cursor') as number,
      chain: status.get('chain') as Uint8Array,
    }
    expect(await codeOf(() => remote.revoke(token, fromRowId(phone.id), revocation))).toBe('wrong-credentials')
    await phone.sync()
  })
})
