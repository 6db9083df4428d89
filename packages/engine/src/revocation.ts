/**
 * Revoking a device [KEY-3]: its sessions end, and what is written from then on is sealed with a key that it does not get.
 *
 * One request does all of it, and is refused when the log or the key bundle has moved since this device looked: a segment that the
 * record does not count would be set aside by everybody. So each attempt begins by getting in step. Nothing is stored here before the
 * server has answered: the record that it keeps holds a grant for its author, too, so a lost answer is made up for like any other rotation.
 */

import { GRANT_BYTES, type Grant, RECOVERY_DEVICE, sealGrant } from '@lockstep/crypto/grant'
import { deriveAuthKey, deriveRecoveryKeyPair } from '@lockstep/crypto/hierarchy'
import { generatePassphrase } from '@lockstep/crypto/passphrase'
import { sealRotation } from '@lockstep/crypto/rotation'
import { equalBytes } from '@lockstep/protocol/bytes'
import type { DeviceList } from '@lockstep/protocol/http'
import { MAX_ROTATION_BYTES } from '@lockstep/protocol/limits'
import { toRowId } from '#cell'
import { closingsNow, revokedDevices, storeClosing } from '#closings'
import { nextBundleVersion, type Root, sealFor, submitChange, type Unlocked, unlock } from '#credentials'
import { deviceKeys } from '#device-keys'
import { EngineError } from '#errors'
import type { Identity } from '#identity'
import { newRoot } from '#password-change'
import type { Remote } from '#remote'
import { ServerProblem } from '#server-problem'
import type { RevocationRequest, RevocationResult } from '#sign-in'

/** Each takes about two round trips, in which nobody else may write. */
const MAX_ATTEMPTS = 5

type ListedDevice = DeviceList['devices'][number]

export interface Revoking {
  readonly identity: Identity
  readonly remote: Remote
  readonly token: string
  /** Gets this device in step with the log. */
  readonly sync: () => Promise<unknown>
}

/** @throws EngineError `no-such-device`, `wrong-credentials`, `conflict`, `server-diverged`, `needs-password`, `offline` */
export async function revokeDevice(revoking: Revoking, request: RevocationRequest): Promise<RevocationResult> {
  const { identity, remote, token } = revoking
  const { currentPassword, currentPassphrase } = request
  const { random } = identity.store.runtime
  const passphrase = request.newPassphrase ?? (request.generatePassphrase === true ? generatePassphrase(random) : undefined)
  let next: Root | undefined
  for (let attempt = 1; ; attempt++) {
    const { devices } = await remote.devices(token)
    const target = targetOf(devices, request.id)
    if (target.revoked) return { id: request.id, name: target.name, revokedBefore: true, repaired: false }
    const now = await unlock({ identity, remote, token, password: currentPassword, passphrase: currentPassphrase })
    next ??=
      request.newPassword === undefined && passphrase === undefined
        ? now.root
        : await newRoot(identity, now.root, request.newPassword ?? currentPassword, passphrase)
    await revoking.sync()
    try {
      await openEpoch(revoking, { target, devices, now, next })
    } catch (error) {
      const problem = error instanceof ServerProblem ? error.problem : undefined
      // Not found: somebody may just have revoked it.
      const isMoved = problem === 'run-changed' || problem === 'bundle-conflict' || problem === 'not-found'
      if (!isMoved) throw explain(error, problem)
      if (attempt < MAX_ATTEMPTS) continue
      throw new EngineError('conflict', 'other devices keep writing, so the device could not be revoked: try again in a minute', {
        cause: error,
      })
    }
    return {
      id: request.id,
      name: target.name,
      revokedBefore: false,
      repaired: now.rolledBack,
      ...(passphrase !== undefined && { passphrase }),
    }
  }
}

function explain(error: unknown, problem: string | undefined): unknown {
  if (problem !== 'wrong-credentials') return error
  return new EngineError(
    'conflict',
    'another device changed the password at the same moment, so nothing was revoked: try again with the new password',
    { cause: error },
  )
}

function targetOf(devices: readonly ListedDevice[], id: string): ListedDevice {
  const target = devices.find((device) => toRowId(device.id) === id)
  if (target === undefined)
    throw new EngineError('no-such-device', `no device of this vault has the id "${id}": "device list" shows them`)
  if (target.current)
    throw new EngineError('no-such-device', 'this is the device itself: sign out with --wipe, or revoke it from another one')
  return target
}

interface Opening {
  readonly target: ListedDevice
  readonly devices: readonly ListedDevice[]
  readonly now: Unlocked
  /** What opens the vault from then on. */
  readonly next: Root
}

async function openEpoch({ identity, remote, token }: Revoking, { target, devices, now, next }: Opening): Promise<void> {
  const { store } = identity
  const { random } = store.runtime
  const vaultId = identity.vaultId()
  // Read together, after the last await: what is here now is what the server compares.
  const head = store.meta.get('cursor') ?? 0
  const chain = store.meta.get('chain') ?? new Uint8Array(32)
  const closes = closingsNow(store)
  // The sync may have brought an epoch that was not in the bundle yet.
  const epochs = new Map([...now.epochs, ...identity.vaultKeys])
  const before = Math.max(...epochs.keys())
  const epoch = before + 1
  const vaultKey = random(32)
  epochs.set(epoch, vaultKey)
  const version = nextBundleVersion(identity, now.credentials)
  const revoked = [...revokedDevices(store).filter((device) => !equalBytes(device, target.id)), target.id]
  const rotation = { authorKey: identity.keyPair.publicKey, bundleVersion: version, head, revoked, closes }
  const place = { vaultId, epoch, vaultKey, random, previousKey: epochs.get(before) as Uint8Array }
  let grants = await makeGrants(identity, { vaultId, epoch, vaultKey, devices, revoked, next })
  let record = await sealRotation({ ...place, rotation: { ...rotation, grants } })
  while (record.length > MAX_ROTATION_BYTES) {
    if (grants.length <= 2) throw new EngineError('value-too-large', 'this vault has too many replicas for one rotation record')
    // Those that were not seen for the longest time: they ask for the password when they come back.
    grants = grants.slice(0, Math.max(2, grants.length - Math.ceil((record.length - MAX_ROTATION_BYTES) / GRANT_BYTES)))
    record = await sealRotation({ ...place, rotation: { ...rotation, grants } })
  }
  const sealed = await sealFor(identity, next, { version, epochs, vaultId, name: identity.profile.vault ?? '' })
  const request = {
    ...sealed,
    currentAuthKey: deriveAuthKey(now.root.key, vaultId),
    replaces: now.credentials.bundle.version,
    epoch,
    rotation: record,
    head,
    chain,
  }
  const send = () => remote.revoke(token, target.id, request)
  await submitChange({ identity, remote, token, root: next, bundle: sealed.bundle, send })
  storeClosing(identity, before, { ...rotation, grants })
  await identity.addKeys(epochs)
}

interface Granting {
  readonly vaultId: Uint8Array
  readonly epoch: number
  readonly vaultKey: Uint8Array
  readonly devices: readonly ListedDevice[]
  readonly revoked: readonly Uint8Array[]
  readonly next: Root
}

/** This device, the recovery key, and each device that stays, those that were seen last first. */
async function makeGrants(identity: Identity, { vaultId, epoch, vaultKey, devices, revoked, next }: Granting): Promise<Grant[]> {
  const { random } = identity.store.runtime
  const author = identity.keyPair
  const keys = deviceKeys(identity.store)
  const staying = devices
    .filter(({ id, current, revoked: ended }) => !current && !ended && !revoked.some((device) => equalBytes(device, id)))
    .sort((a, b) => b.lastSeenAt - a.lastSeenAt)
    .flatMap(({ id }) => {
      const publicKey = keys.get(toRowId(id))
      return publicKey === undefined ? [] : [{ device: id, publicKey }]
    })
  const recovery = { device: RECOVERY_DEVICE, publicKey: deriveRecoveryKeyPair(next.key, vaultId).publicKey }
  const recipients = [{ device: identity.secrets.deviceId, publicKey: author.publicKey }, recovery, ...staying]
  return Promise.all(recipients.map((recipient) => sealGrant({ vaultId, epoch, author, recipient, vaultKey, random })))
}
