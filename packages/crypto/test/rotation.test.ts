/** G11 for grants and rotation records: agreement with a second implementation, every field bound, every forgery refused. */
import { describe, expect, test } from 'vitest'
import { concat } from '#bytes'
import { deviceIdOf, generateDeviceKey, type KeyPair, keyPairOf, sharedSecret } from '#device-key'
import { open, seal } from '#envelope'
import { GRANT_BYTES, type GrantOwner, openGrant, RECOVERY_DEVICE, type SealGrantInput, sealGrant } from '#grant'
import { type Closing, openRotation, type Rotation, sealRotation } from '#rotation'
import { expectFrozen } from '../../../tests/support/frozen.ts'
import { forEachSeed, Random } from '../../../tests/support/random.ts'
import { codeOf } from './support/expect-code.ts'
import * as reference from './support/reference.ts'
import { mutate, Tally } from './support/tally.ts'

const FILE = 'packages/crypto/test/rotation.test.ts'
const { hex } = reference
const seeded = new Random(20_261_121)
const random = (length: number) => seeded.bytes(length)
const vaultId = random(16)
const [previousKey, vaultKey] = [random(32), random(32)]
const epoch = 2

const owner = (keys: KeyPair = generateDeviceKey(random)): GrantOwner => ({ device: deviceIdOf(keys.publicKey), keys })
const party = ({ device, keys }: GrantOwner) => ({ device, publicKey: keys.publicKey })
const author = owner()
const phone = owner()
const revoked = owner()

const grantTo = (recipient: GrantOwner, fields: Partial<SealGrantInput> = {}) =>
  sealGrant({ vaultId, epoch, author: author.keys, recipient: party(recipient), vaultKey, random, ...fields })

async function record(fields: Partial<Rotation> = {}): Promise<Rotation> {
  return {
    authorKey: author.keys.publicKey,
    bundleVersion: 3,
    head: 41,
    revoked: [revoked.device],
    closes: [
      { replica: new Uint8Array(16).fill(9), counter: 7 },
      { replica: new Uint8Array(16).fill(2), counter: 2 ** 40 },
    ],
    grants: await Promise.all([grantTo(author), grantTo(phone)]),
    ...fields,
  }
}

const sealed = async (rotation?: Rotation) =>
  sealRotation({ vaultId, epoch, previousKey, vaultKey, rotation: rotation ?? (await record()), random })
/** Authentic under the key of the epoch before, as whoever has it can make it. */
const withContent = (content: Uint8Array) => {
  const aad = reference.rotationAad(vaultId, epoch)
  return reference.sealed(reference.subkey(previousKey, 'rotation', vaultId, epoch), random(32), aad, content)
}
const opening = (bytes: Uint8Array) => openRotation({ vaultId, epoch, previousKey, sealed: bytes })

describe('device ids', () => {
  test("[KEY-2] a device's id follows from its public key", async () => {
    await forEachSeed('device ids', 50, FILE, (own) => {
      const { publicKey, privateKey } = keyPairOf(own.bytes(32))
      expect(hex(publicKey)).toBe(hex(reference.x25519PublicKey(privateKey)))
      expect(hex(deviceIdOf(publicKey))).toBe(hex(reference.deviceId(publicKey)))
    })
    expect(await codeOf(() => deviceIdOf(new Uint8Array(31)))).toBe('bad-argument')
  })

  test('[KEY-2] public keys of small order, which share one secret with everybody, are refused', async () => {
    const small = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      // The same with the bit set that X25519 ignores.
      '0000000000000000000000000000000000000000000000000000000000000080',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    ].map(reference.unhex)
    for (const publicKey of small) {
      expect(await codeOf(() => sharedSecret(random(32), publicKey)), hex(publicKey)).toBe('bad-public-key')
      const recipient = { device: deviceIdOf(publicKey), publicKey }
      expect(await codeOf(() => sealGrant({ vaultId, epoch, author: author.keys, recipient, vaultKey, random }))).toBe(
        'bad-public-key',
      )
      const grant = { ...(await grantTo(phone)), ephemeralKey: publicKey }
      const reading = () => openGrant({ vaultId, epoch, authorKey: author.keys.publicKey, recipient: phone, grant })
      expect(await codeOf(reading)).toBe('bad-public-key')
    }
    expect(await codeOf(() => sharedSecret(random(31), party(phone).publicKey))).toBe('bad-argument')
  })
})

describe('grants', () => {
  test('[KEY-2] agree with a second implementation, both ways', async () => {
    await forEachSeed('grants', 60, FILE, async (own) => {
      const draw = (length: number) => own.bytes(length)
      const [from, to, id, key, at] = [
        owner(keyPairOf(draw(32))),
        owner(keyPairOf(draw(32))),
        draw(16),
        draw(32),
        own.between(2, 2 ** 32 - 1),
      ]
      const infoFor = (ephemeralKey: Uint8Array) =>
        reference.grantInfo({
          vaultId: id,
          epoch: at,
          recipientDevice: to.device,
          authorDevice: from.device,
          ephemeralKey,
          recipientKey: to.keys.publicKey,
        })
      const grant = await sealGrant({
        vaultId: id,
        epoch: at,
        author: from.keys,
        recipient: party(to),
        vaultKey: key,
        random: draw,
      })
      expect(hex(grant.device)).toBe(hex(to.device))
      expect(16 + 32 + grant.sealed.length).toBe(GRANT_BYTES)
      const theirs = reference.grantKey(
        reference.x25519(to.keys.privateKey, grant.ephemeralKey),
        reference.x25519(to.keys.privateKey, from.keys.publicKey),
        infoFor(grant.ephemeralKey),
      )
      expect(hex(await open(theirs, infoFor(grant.ephemeralKey), grant.sealed))).toBe(hex(key))
      const ephemeral = draw(32)
      const ephemeralKey = reference.x25519PublicKey(ephemeral)
      const ours = reference.grantKey(
        reference.x25519(ephemeral, to.keys.publicKey),
        reference.x25519(from.keys.privateKey, to.keys.publicKey),
        infoFor(ephemeralKey),
      )
      const made = { device: to.device, ephemeralKey, sealed: reference.sealed(ours, draw(32), infoFor(ephemeralKey), key) }
      expect(hex(await openGrant({ vaultId: id, epoch: at, authorKey: from.keys.publicKey, recipient: to, grant: made }))).toBe(
        hex(key),
      )
    })
  })

  test('[KEY-2] G11: every field of the AAD counts, one by one', async () => {
    const grant = await grantTo(phone)
    const place = { vaultId, epoch, authorKey: author.keys.publicKey, recipient: phone, grant }
    expect(hex(await openGrant(place))).toBe(hex(vaultKey))
    const other = owner()
    const changes: [string, Partial<typeof place>][] = [
      ['vault', { vaultId: random(16) }],
      ['epoch', { epoch: 3 }],
      ['author', { authorKey: other.keys.publicKey }],
      ['recipient', { recipient: other }],
      ['ephemeral key', { grant: { ...grant, ephemeralKey: other.keys.publicKey } }],
      // The recovery key of somebody who has the same key pair: only the device id differs.
      ['device', { recipient: { ...phone, device: RECOVERY_DEVICE } }],
    ]
    for (const [what, change] of changes) {
      expect(await codeOf(() => openGrant({ ...place, ...change })), what).toBe('bad-commitment')
    }
    // With the right key, so that nothing but the AAD is left to refuse it.
    const fields = {
      vaultId,
      epoch,
      recipientDevice: phone.device,
      authorDevice: author.device,
      ephemeralKey: grant.ephemeralKey,
      recipientKey: phone.keys.publicKey,
    }
    const info = reference.grantInfo(fields)
    const key = reference.grantKey(
      sharedSecret(phone.keys.privateKey, grant.ephemeralKey),
      sharedSecret(phone.keys.privateKey, author.keys.publicKey),
      info,
    )
    expect(hex(await open(key, info, grant.sealed))).toBe(hex(vaultKey))
    for (let bit = 0; bit < info.length * 8; bit++) {
      const flipped = Uint8Array.from(info)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await codeOf(() => open(key, flipped, grant.sealed)), `bit ${bit}`).toBe('bad-ciphertext')
    }
  })

  test("[KEY-2] nobody but the author makes a grant in the author's name, and a key in another's place is refused", async () => {
    // The revoked device knows everybody's public keys, but no private key but its own.
    const forged = await grantTo(phone, { author: revoked.keys })
    const asAuthor = () => openGrant({ vaultId, epoch, authorKey: author.keys.publicKey, recipient: phone, grant: forged })
    expect(await codeOf(asAuthor)).toBe('bad-commitment')
    const substituted = { device: phone.device, publicKey: revoked.keys.publicKey }
    expect(await codeOf(() => grantTo(phone, { recipient: substituted }))).toBe('bad-public-key')
  })

  test('[KEY-2] the recovery key takes a grant like a device', async () => {
    const recovery = { device: RECOVERY_DEVICE, keys: generateDeviceKey(random) }
    const grant = await grantTo(recovery)
    expect(hex(await openGrant({ vaultId, epoch, authorKey: author.keys.publicKey, recipient: recovery, grant }))).toBe(
      hex(vaultKey),
    )
  })

  test('[KEY-2] what cannot be a grant is not sealed, and one that holds no vault key is refused', async () => {
    expect(await codeOf(() => grantTo(phone, { vaultKey: random(31) }))).toBe('bad-argument')
    expect(await codeOf(() => grantTo(phone, { vaultId: random(15) }))).toBe('bad-argument')
    expect(await codeOf(() => grantTo(phone, { epoch: 0 }))).toBe('bad-argument')
    expect(await codeOf(() => grantTo(phone, { random: () => new Uint8Array(3) }))).toBe('bad-argument')
    const good = await grantTo(phone)
    const info = reference.grantInfo({
      vaultId,
      epoch,
      recipientDevice: phone.device,
      authorDevice: author.device,
      ephemeralKey: good.ephemeralKey,
      recipientKey: phone.keys.publicKey,
    })
    const key = reference.grantKey(
      sharedSecret(phone.keys.privateKey, good.ephemeralKey),
      sharedSecret(phone.keys.privateKey, author.keys.publicKey),
      info,
    )
    const grant = { ...good, sealed: await seal(key, info, random(31), random) }
    const reading = () => openGrant({ vaultId, epoch, authorKey: author.keys.publicKey, recipient: phone, grant })
    expect(await codeOf(reading)).toBe('malformed-rotation')
  })
})

describe('rotation records', () => {
  test('[KEY-2] agree with a second implementation, both ways', async () => {
    await forEachSeed('rotations', 40, FILE, async (own) => {
      const ids = (most: number) =>
        Array.from({ length: own.below(most) }, () => own.bytes(16)).sort((a, b) => Buffer.compare(a, b))
      const rotation: Rotation = {
        authorKey: own.bytes(32),
        bundleVersion: own.between(1, 2 ** 32 - 1),
        head: own.below(2 ** 48),
        revoked: ids(5),
        closes: ids(30).map((replica): Closing => ({ replica, counter: own.between(1, 2 ** 48) })),
        grants: ids(8).map((device) => ({ device, ephemeralKey: own.bytes(32), sealed: own.bytes(GRANT_BYTES - 48) })),
      }
      const [id, before, next, at] = [own.bytes(16), own.bytes(32), own.bytes(32), own.between(2, 2 ** 32 - 1)]
      const claims = reference.rotationClaims(rotation)
      const content = concat(claims, reference.proof(next, id, at, claims))
      const shuffled = {
        ...rotation,
        closes: own.shuffle(rotation.closes),
        grants: own.shuffle(rotation.grants),
        revoked: own.shuffle(rotation.revoked),
      }
      const ours = await sealRotation({
        vaultId: id,
        epoch: at,
        previousKey: before,
        vaultKey: next,
        rotation: shuffled,
        random: (length) => own.bytes(length),
      })
      const key = reference.subkey(before, 'rotation', id, at)
      expect(hex(await open(key, reference.rotationAad(id, at), ours))).toBe(hex(content))
      const theirs = reference.sealed(key, own.bytes(32), reference.rotationAad(id, at), content)
      const opened = await openRotation({ vaultId: id, epoch: at, previousKey: before, sealed: theirs })
      expect(opened.confirm(next)).toEqual(rotation)
      expect([opened.authorKey, opened.grants]).toEqual([rotation.authorKey, rotation.grants])
    })
  })

  test('[KEY-2] G11: bound to vault, epoch and the epoch before, and every bit of the AAD counts', async () => {
    const bytes = await sealed()
    expect((await opening(bytes)).confirm(vaultKey).head).toBe(41)
    const changes = [{ vaultId: random(16) }, { epoch: 3 }, { previousKey: vaultKey }]
    for (const change of changes) {
      const other = () => openRotation({ vaultId, epoch, previousKey, sealed: bytes, ...change })
      expect(await codeOf(other), Object.keys(change).join()).toBe('bad-commitment')
    }
    const key = reference.subkey(previousKey, 'rotation', vaultId, epoch)
    const aad = reference.rotationAad(vaultId, epoch)
    for (let bit = 0; bit < aad.length * 8; bit++) {
      const flipped = Uint8Array.from(aad)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await codeOf(() => open(key, flipped, bytes)), `bit ${bit}`).toBe('bad-ciphertext')
    }
  })

  test('[KEY-2] a record that the revoked device altered, with the genuine grants in it, is refused', async () => {
    const rotation = await record()
    const genuine = await opening(await sealed(rotation))
    expect(genuine.confirm(vaultKey)).toMatchObject({ bundleVersion: 3, revoked: [revoked.device] })
    const [first, second] = rotation.closes as [Closing, Closing]
    const lies: Rotation[] = [
      { ...rotation, closes: [first, { ...second, counter: second.counter + 1 }] },
      { ...rotation, closes: [first, second, { replica: new Uint8Array(16).fill(1), counter: 99 }] },
      { ...rotation, closes: [] },
      { ...rotation, revoked: [] },
      { ...rotation, revoked: [revoked.device, phone.device] },
      { ...rotation, head: 42 },
      { ...rotation, bundleVersion: 4 },
      { ...rotation, authorKey: phone.keys.publicKey },
      { ...rotation, grants: rotation.grants.slice(1) },
    ]
    for (const lie of lies) {
      // It has the key of the epoch before and all that is in the record; of the new key it has nothing.
      const forged = await sealRotation({ vaultId, epoch, previousKey, vaultKey: previousKey, rotation: lie, random })
      const { confirm } = await opening(forged)
      expect(await codeOf(() => confirm(vaultKey))).toBe('bad-proof')
    }
    expect(await codeOf(() => genuine.confirm(random(32)))).toBe('bad-proof')
    expect(await codeOf(() => genuine.confirm(random(31)))).toBe('bad-argument')
  })

  test('[KEY-2] authentic content that is not a record is refused by name', async () => {
    const rotation = await record()
    const claims = reference.rotationClaims({
      ...rotation,
      closes: [...rotation.closes].reverse(),
      grants: [...rotation.grants].sort((a, b) => Buffer.compare(a.device, b.device)),
    })
    const content = concat(claims, reference.proof(vaultKey, vaultId, epoch, claims))
    expect((await opening(withContent(content))).confirm(vaultKey).closes).toHaveLength(2)
    const at = { revoked: 45, closes: 47 + 16, close: 51 + 16, grants: 51 + 16 + 48 }
    const changed = (index: number, ...bytes: number[]) =>
      Uint8Array.from(content)
        .fill(0)
        .map((_, i) => bytes[i - index] ?? (content[i] as number))
    const cases: [string, Uint8Array, string][] = [
      ['empty', new Uint8Array(0), 'malformed-rotation'],
      ['a proof only', content.slice(-32), 'malformed-rotation'],
      ['cut', content.slice(0, -33), 'malformed-rotation'],
      ['longer', concat(content, Uint8Array.of(0)), 'malformed-rotation'],
      ['format 0', changed(0, 0), 'unknown-version'],
      ['format 2', changed(0, 2), 'unknown-version'],
      ['bundle version 0', changed(33, 0, 0, 0, 0), 'malformed-rotation'],
      ['a head past 2^53', changed(37, 0xff), 'malformed-rotation'],
      ['65535 revoked', changed(at.revoked, 0xff, 0xff), 'malformed-rotation'],
      ['2^32 - 1 replicas', changed(at.closes, 0xff, 0xff, 0xff, 0xff), 'malformed-rotation'],
      ['65535 grants', changed(at.grants, 0xff, 0xff), 'malformed-rotation'],
      ['replicas that descend', changed(at.close, ...new Array(16).fill(0xff)), 'malformed-rotation'],
      ['twice the same replica', changed(at.close, ...new Array(16).fill(9)), 'malformed-rotation'],
      ['counter 0', changed(at.close + 16, 0, 0, 0, 0, 0, 0, 0, 0), 'malformed-rotation'],
    ]
    for (const [name, bytes, code] of cases) expect(await codeOf(() => opening(withContent(bytes))), name).toBe(code)
  })

  test('[KEY-2] what cannot be a record is not sealed', async () => {
    const rotation = await record()
    const attempt = (fields: Partial<Rotation>, own: object = {}) =>
      codeOf(() => sealRotation({ vaultId, epoch, previousKey, vaultKey, rotation: { ...rotation, ...fields }, random, ...own }))
    const [closing] = rotation.closes as [Closing]
    const [grant] = rotation.grants
    expect(await attempt({ authorKey: random(31) })).toBe('bad-argument')
    expect(await attempt({ bundleVersion: 0 })).toBe('bad-argument')
    expect(await attempt({ head: -1 })).toBe('bad-argument')
    expect(await attempt({ revoked: [revoked.device, revoked.device] })).toBe('bad-argument')
    expect(await attempt({ revoked: [random(17)] })).toBe('bad-argument')
    expect(await attempt({ closes: [closing, closing] })).toBe('bad-argument')
    expect(await attempt({ closes: [{ ...closing, counter: 0 }] })).toBe('bad-argument')
    expect(await attempt({ grants: [{ ...(grant as NonNullable<typeof grant>), sealed: random(3) }] })).toBe('bad-argument')
    expect(await attempt({}, { epoch: 1 })).toBe('bad-argument')
    expect(await attempt({}, { vaultId: random(3) })).toBe('bad-argument')
    expect(await attempt({}, { previousKey: random(3) })).toBe('bad-argument')
    expect(await attempt({}, { vaultKey: random(3) })).toBe('bad-argument')
  })

  test('[KEY-2] G10: the decoder, on noise, on mutated records and on authentic records with any content', async () => {
    const tally = new Tally()
    const good = await sealed()
    const content = await open(
      reference.subkey(previousKey, 'rotation', vaultId, epoch),
      reference.rotationAad(vaultId, epoch),
      good,
    )
    const inputs = await forEachSeed('fuzz rotation', 4000, FILE, async (own) => {
      const shape = own.below(4)
      const changed =
        shape === 0 ? mutate(own, good) : shape === 1 ? withContent(own.bytes(own.below(600))) : withContent(mutate(own, content))
      await tally.run(async () => (await opening(changed)).confirm(own.chance(0.05) ? own.bytes(32) : vaultKey))
    })
    tally.report('fuzz rotation', inputs, [
      'accepted',
      'unknown-version',
      'truncated',
      'bad-commitment',
      'bad-ciphertext',
      'malformed-rotation',
      'bad-proof',
    ])
  })

  test('[KEY-2] the format is frozen', async () => {
    const own = new Random(7)
    const draw = (length: number) => own.bytes(length)
    const [from, to] = [owner(keyPairOf(draw(32))), owner(keyPairOf(draw(32)))]
    const place = { vaultId: draw(16), epoch: 2, vaultKey: draw(32), random: draw }
    const grants = [await sealGrant({ ...place, author: from.keys, recipient: party(to) })]
    const rotation: Rotation = {
      authorKey: from.keys.publicKey,
      bundleVersion: 2,
      head: 1000,
      revoked: [draw(16)],
      closes: [{ replica: draw(16), counter: 77 }],
      grants,
    }
    const before = draw(32)
    const bytes = await sealRotation({ ...place, previousKey: before, rotation })
    expectFrozen('rotation record', {
      vaultId: place.vaultId,
      before,
      recipient: to.keys.privateKey,
      author: from.keys.publicKey,
      bytes,
    })
  })
})
