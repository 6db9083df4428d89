/**
 * Taking up the epochs that other devices have opened [KEY-2]: without a password, however many there were.
 *
 * A record is believed in steps (crypto's rotation.ts): it opens with the key of the epoch before, which only devices of this vault
 * have; no earlier record revoked its author; our grant opens with that author's key; the rest fits the key in the grant. What is
 * learnt is stored in the order in which it is needed: which counters the epoch ended with, then the key, so that a crash in
 * between asks again.
 */
import { deviceIdOf, type KeyPair } from '@lockstep/crypto/device-key'
import { CryptoError } from '@lockstep/crypto/errors'
import { type GrantOwner, openGrant, RECOVERY_DEVICE } from '@lockstep/crypto/grant'
import { type OpenedRotation, openRotation } from '@lockstep/crypto/rotation'
import { equalBytes } from '@lockstep/protocol/bytes'
import { closedEpochs, revokedDevices, storeClosing } from '#closings'
import { EngineError } from '#errors'
import type { Identity } from '#identity'
import type { Remote } from '#remote'

export interface Taking {
  readonly identity: Identity
  readonly remote: Remote
  readonly token: string
  /** Known while a password is at hand. */
  readonly recovery?: KeyPair | undefined
}

export interface Taken {
  /** Epochs whose keys are new to this device. */
  readonly epochs: number
  /** Why a later record could not be taken. `no-grant`: it is for others. `no-key`: there is a gap before it. */
  readonly stuck: 'no-grant' | 'no-key' | undefined
}

/** @throws EngineError `server-misbehaved` for a record that no device made, `needs-password`, `offline` */
export async function takeRotations(taking: Taking): Promise<Taken> {
  const { identity, remote, token } = taking
  const { rotations } = await remote.rotations(token, firstWanted(identity) - 1)
  let epochs = 0
  let last = 0
  for (const { epoch, record } of rotations) {
    if (epoch <= last) throw forged(identity, remote)
    last = epoch
    const previousKey = identity.vaultKeys.get(epoch - 1)
    if (previousKey === undefined) return { epochs, stuck: 'no-key' }
    try {
      const opened = await openRotation({ vaultId: identity.vaultId(), epoch, previousKey, sealed: record })
      const known = identity.vaultKeys.get(epoch)
      const vaultKey = known ?? (await keyFrom(taking, epoch, opened))
      if (typeof vaultKey === 'string') return { epochs, stuck: vaultKey }
      storeClosing(identity, epoch - 1, opened.confirm(vaultKey))
      if (known !== undefined) continue
      await identity.addKeys(new Map([[epoch, vaultKey]]))
      epochs++
    } catch (error) {
      throw error instanceof CryptoError ? forged(identity, remote, error) : error
    }
  }
  return { epochs, stuck: undefined }
}

/** The first epoch whose record is of use: one that we have no key of, or that ended one whose last counters we do not know. */
function firstWanted(identity: Identity): number {
  const closed = closedEpochs(identity.store)
  const epochs = [...identity.vaultKeys.keys()].sort((a, b) => a - b)
  const open = epochs.find((epoch) => !closed.has(epoch))
  return (open ?? epochs.at(-1) ?? 0) + 1
}

/** @throws CryptoError where the record is not what it says */
async function keyFrom(
  { identity, remote, recovery }: Taking,
  epoch: number,
  { authorKey, grants }: OpenedRotation,
): Promise<Uint8Array | 'no-grant'> {
  const author = deviceIdOf(authorKey)
  if (revokedDevices(identity.store).some((device) => equalBytes(device, author))) throw forged(identity, remote)
  const recipients: GrantOwner[] = [{ device: identity.secrets.deviceId, keys: identity.keyPair }]
  if (recovery !== undefined) recipients.push({ device: RECOVERY_DEVICE, keys: recovery })
  for (const recipient of recipients) {
    const grant = grants.find(({ device }) => equalBytes(device, recipient.device))
    if (grant === undefined) continue
    return openGrant({ vaultId: identity.vaultId(), epoch, authorKey, recipient, grant })
  }
  return 'no-grant'
}

function forged({ store }: Identity, { server }: Remote, cause?: unknown): EngineError {
  const message =
    "The server handed out a change of the vault's keys that none of its devices made: this server must not be trusted."
  store.write('remote', () => store.report('keys-forged', server, message))
  return new EngineError('server-misbehaved', message, { cause })
}

/**
 * True if this device has epochs now that it had not.
 * @throws EngineError `needs-password` where the keys were not handed to this device; its session is dropped then
 */
export async function renewKeys(taking: Taking): Promise<boolean> {
  const { identity } = taking
  const before = identity.vaultKeys.size
  // Another process on this home may have taken them already.
  await identity.reload()
  const { stuck } = await takeRotations(taking)
  if (stuck === 'no-grant' || stuck === 'no-key') {
    await identity.dropSession()
    throw new EngineError('needs-password', "the vault's keys were changed while this device was away: sign in again")
  }
  return identity.vaultKeys.size > before
}
