/** Records of a change of keys that no device made, or not like this: nothing is taken from them, and who hands them out is named. */
import { deviceIdOf, generateDeviceKey, keyPairOf } from '@lockstep/crypto/device-key'
import { sealGrant } from '@lockstep/crypto/grant'
import { openRotation, type Rotation, sealRotation } from '@lockstep/crypto/rotation'
import { toBase64Url, toHex } from '@lockstep/protocol/bytes'
import { describe, expect, test, vi } from 'vitest'
import { Account } from '#account'
import { fromRowId } from '#cell'
import { closingsNow } from '#closings'
import type { HttpRequest } from '#http'
import { createNodeHttp } from '#platform/node/http'
import { secretFiles } from '#platform/node/secret-files'
import { Remote } from '#remote'
import type { RunningServer } from '../../../tests/support/running-server.ts'
import { rewriting } from './support/homes.ts'
import { keysOf, PASSWORD, remoteOf, secretsOf, type TestDevice, titles, vaultOf, write } from './support/members.ts'
import { codeOf } from './support/vaults.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const isRotations = ({ url }: HttpRequest) => url.includes('/v1/rotations')
const problemCodes = (device: TestDevice) => device.status().problems.map(({ code }) => code)

describe('forged rotation records', () => {
  interface Scene {
    readonly server: RunningServer
    readonly laptop: TestDevice
    readonly phone: TestDevice
    readonly tablet: TestDevice
    readonly vaultId: Uint8Array
    /** Of the epoch before. */
    readonly previousKey: Uint8Array
    readonly genuine: Uint8Array
    /** What the phone is handed as the record of epoch 2. */
    hand(record: Uint8Array): void
  }

  /** The tablet has been revoked; the phone has not heard of it yet. */
  async function scene(): Promise<Scene> {
    let handed: Uint8Array | undefined
    const network = rewriting(isRotations, (json) =>
      handed === undefined ? json : { rotations: [{ epoch: 2, record: toBase64Url(handed) }] },
    )
    const { server, devices } = await vaultOf(['laptop', 'phone', 'tablet'], { phone: network })
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    write(laptop, 'after')
    await laptop.sync()
    const { rotations } = await remoteOf(server).rotations(secretsOf(laptop).token as string, 1)
    return {
      server,
      laptop,
      phone,
      tablet,
      vaultId: laptop.vault.store.meta.get('vaultId') as Uint8Array,
      previousKey: keysOf(tablet).get(1) as Uint8Array,
      genuine: (rotations[0] as { record: Uint8Array }).record,
      hand: (record) => {
        handed = record
      },
    }
  }
  const random = (length: number) => new Uint8Array(length).map(() => Math.floor(Math.random() * 256))

  async function expectRefused({ phone }: Scene): Promise<void> {
    expect(await codeOf(() => phone.sync())).toBe('server-misbehaved')
    expect([...keysOf(phone).keys()]).toEqual([1])
    expect(problemCodes(phone)).toContain('keys-forged')
    expect(phone.status().state).toBe('problem')
    expect(phone.vault.query('SELECT title FROM notes')).toEqual([])
  }

  test('[KEY-2] by the server: noise, a changed byte, another epoch', async () => {
    const setting = await scene()
    setting.hand(random(500))
    await expectRefused(setting)
    const changed = setting.genuine.slice()
    changed[changed.length - 1] = (changed[changed.length - 1] as number) ^ 1
    setting.hand(changed)
    await expectRefused(setting)
    setting.hand(setting.genuine)
    await setting.phone.sync()
    expect(titles(setting.phone)).toEqual(['after'])
  })

  test("[KEY-2] by the revoked device: its own key in another's name, and the genuine grants beside other counters", async () => {
    const setting = await scene()
    const { vaultId, previousKey, laptop, phone, tablet, genuine } = setting
    const theirs = keyPairOf(secretsOf(tablet).devicePrivateKey)
    const vaultKey = random(32)
    const place = { vaultId, epoch: 2, random }
    const known = await openRotation({ vaultId, epoch: 2, previousKey, sealed: genuine })
    const claims = known.confirm(keysOf(laptop).get(2) as Uint8Array)
    const grants = [
      await sealGrant({
        ...place,
        author: theirs,
        recipient: { device: fromRowId(phone.id), publicKey: keyPairOf(secretsOf(phone).devicePrivateKey).publicKey },
        vaultKey,
      }),
    ]
    const pretending: Rotation = { ...claims, authorKey: keyPairOf(secretsOf(laptop).devicePrivateKey).publicKey, grants }
    setting.hand(await sealRotation({ ...place, previousKey, vaultKey, rotation: pretending }))
    await expectRefused(setting)
    const generous = { ...claims, closes: claims.closes.map((closing) => ({ ...closing, counter: closing.counter + 100 })) }
    setting.hand(await sealRotation({ ...place, previousKey, vaultKey, rotation: generous }))
    await expectRefused(setting)
    expect(closingsNow(phone.vault.store)).not.toHaveLength(0)
    expect(phone.vault.query('SELECT count(*) AS c FROM _closed')).toEqual([{ c: 0 }])
  })

  test('[KEY-2] by a device that an earlier record revoked, for a later epoch', async () => {
    let handed: object | undefined
    const network = rewriting(isRotations, (json) => handed ?? json)
    const { devices } = await vaultOf(['laptop', 'phone', 'tablet'], { phone: network })
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    write(phone, 'after')
    await phone.sync()
    const vaultId = phone.vault.store.meta.get('vaultId') as Uint8Array
    // Even with the key of the epoch before, which it does not have.
    const previousKey = keysOf(phone).get(2) as Uint8Array
    const vaultKey = random(32)
    const author = keyPairOf(secretsOf(tablet).devicePrivateKey)
    const recipient = { device: fromRowId(phone.id), publicKey: keyPairOf(secretsOf(phone).devicePrivateKey).publicKey }
    const grants = [await sealGrant({ vaultId, epoch: 3, author, recipient, vaultKey, random })]
    const rotation = { authorKey: author.publicKey, bundleVersion: 3, head: 9, revoked: [], closes: [], grants }
    const record = await sealRotation({ vaultId, epoch: 3, previousKey, vaultKey, rotation, random })
    handed = { rotations: [{ epoch: 3, record: toBase64Url(record) }] }
    const account = await Account.open(phone.vault.store, secretFiles(phone.home), network(createNodeHttp().http))
    expect(await codeOf(() => account.renewKeys())).toBe('server-misbehaved')
    expect([...keysOf(phone).keys()]).toEqual([1, 2])
  })

  test("[KEY-2] a key that another device wrote in a device's place gets no grant", async () => {
    const { devices } = await vaultOf(['laptop', 'phone', 'tablet'])
    const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
    // The tablet prepares for its end: it publishes a key of its own as the phone's.
    const { publicKey } = generateDeviceKey(random)
    tablet.vault.transact((tx) => {
      ;(tx as unknown as { update(table: string, id: string, cells: object): void }).update('_devices', phone.id, { publicKey })
    })
    await tablet.sync()
    await laptop.sync()
    expect(laptop.vault.query('SELECT publicKey FROM _devices WHERE id = ?', phone.id)).toEqual([{ publicKey }])
    await laptop.revokeDevice({ id: tablet.id, currentPassword: PASSWORD })
    const vaultId = laptop.vault.store.meta.get('vaultId') as Uint8Array
    const { rotations } = await new Remote({ server: laptop.profile.server as string, http: createNodeHttp().http }).rotations(
      secretsOf(laptop).token as string,
      1,
    )
    const [first] = rotations as unknown as [{ record: Uint8Array }]
    const opened = await openRotation({ vaultId, epoch: 2, previousKey: keysOf(tablet).get(1) as Uint8Array, sealed: first.record })
    const recipients = opened.grants.map(({ device }) => toHex(device))
    expect(recipients).toEqual([toHex(new Uint8Array(16)), toHex(fromRowId(laptop.id))])
    expect(recipients).not.toContain(toHex(deviceIdOf(publicKey)))
    // The phone has no grant, so it asks for the password; nobody else got its key.
    write(phone, 'after')
    expect(await codeOf(() => phone.sync())).toBe('needs-password')
  })
})
