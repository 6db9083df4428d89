/**
 * What the server needs from a database, and nothing more: the one seam between routes and storage.
 *
 * Every method is one atomic step. What a method answers is durable when its promise resolves: in the database and
 * fsynced [SYNC-2]. No method takes a callback that does I/O, none keeps a transaction open between two calls, and
 * all of them are asynchronous, so that an embedded database, a database server and a remote one are all adapters.
 * An adapter proves itself with `storageContract` (contract.ts).
 *
 * The storage never sees a secret that opens anything: tokens, cookies and auth keys arrive as SHA-256 digests,
 * segments and bundles as sealed bytes.
 */
import type { SegmentIdentity } from '@lockstep/protocol/chain'
import type { Coverage, Suite } from '@lockstep/protocol/http'
import type { DeliveredSegment, Position, SegmentRecord } from '@lockstep/protocol/records'

/** The adapter's own handle of a vault: an integer that means nothing outside one database. */
export type VaultKey = number & { readonly __brand: 'VaultKey' }

export interface Bundle {
  /** From 1; each write is the stored one plus one [KEY-4]. */
  readonly version: number
  readonly sealed: Uint8Array
}

/** What sign-in is checked against and answered with. */
export interface VaultCredentials {
  /** 16 bytes, made by the client. */
  readonly vaultId: Uint8Array
  readonly suite: Suite
  /** 16 bytes. */
  readonly salt: Uint8Array
  /** SHA-256 of the auth key, 32 bytes [KEY-6]. */
  readonly authHash: Uint8Array
  readonly bundle: Bundle
}

export interface StoredVault extends VaultCredentials {
  readonly key: VaultKey
  readonly name: string
}

/** A sign-in as it is stored: digests of the secrets that the device was handed. */
export interface NewSession {
  readonly deviceId: Uint8Array
  readonly deviceName: string
  /** SHA-256 of the session token. */
  readonly tokenHash: Uint8Array
  /** SHA-256 of the device cookie [KEY-10]. */
  readonly cookieHash: Uint8Array
  /** Unix milliseconds. */
  readonly now: number
}

export interface StoredSession {
  readonly vault: VaultKey
  readonly deviceId: Uint8Array
  /** When the device was last noted as seen, Unix milliseconds. */
  readonly lastSeenAt: number
}

export interface StoredDevice {
  readonly id: Uint8Array
  readonly name: string
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly revoked: boolean
}

export interface VaultSizes {
  readonly segments: number
  /** Sealed bytes, the measure of the quota. */
  readonly bytes: number
  readonly bundleVersion: number
}

export interface IdentifiedSegment extends SegmentIdentity {
  readonly record: SegmentRecord
}

/** One push: all of it is appended, or nothing. */
export interface Append {
  readonly vault: VaultKey
  readonly segments: readonly IdentifiedSegment[]
  /** Bytes the vault may hold; 0 for no bound. */
  readonly quota: number
}

export type AppendOutcome =
  /** `position` is the log right after this push; `sequences` has one entry per segment, also for those known before. */
  | {
      readonly outcome: 'appended'
      readonly position: Position
      readonly sequences: readonly number[]
      readonly added: readonly DeliveredSegment[]
    }
  /** The replica's last segment here; counter 0 and zeros when there is none [LOG-3]. */
  | { readonly outcome: 'replica-conflict'; readonly counter: number; readonly previous: Uint8Array }
  | { readonly outcome: 'quota-exceeded'; readonly bytes: number }
  /** The disk or the database is full. Nothing of this push was stored. */
  | { readonly outcome: 'storage-full' }

export interface CredentialsUpdate {
  readonly vault: VaultKey
  readonly suite: Suite
  readonly salt: Uint8Array
  readonly authHash: Uint8Array
  readonly bundle: Bundle
  /** The session that makes the change and is the only one to stay. */
  readonly keep: Uint8Array
}

/** Times of counted guesses, Unix milliseconds, ascending. */
export type GuessTimes = readonly number[]

export interface GuessBucket {
  /** At most 32 bytes; tells nothing about names or networks by itself. */
  readonly key: Uint8Array
  readonly times: GuessTimes
  /** The bucket means nothing after this moment and may be dropped. */
  readonly expiresAt: number
}

/** The storage cannot take more: the disk is full. Thrown by every writing method but `append`, which answers it. */
export class StorageFullError extends Error {
  readonly code = 'storage-full'
  constructor(options?: ErrorOptions) {
    super('the storage is full', options)
    this.name = 'StorageFullError'
  }
}

export interface Storage {
  /** 16 random bytes, made when the database was created [SEG-1]. */
  readonly generation: Uint8Array
  /** 32 random bytes, made when the database was created: keys made-up headers and guess buckets. */
  readonly secret: Uint8Array

  /**
   * Makes a vault and its first session in one step. `onlyFirst` refuses when the database holds any vault: two
   * concurrent first sign-ups make one vault.
   */
  createVault(
    vault: VaultCredentials & { readonly name: string },
    session: NewSession,
    onlyFirst: boolean,
  ): Promise<'created' | 'name-taken' | 'not-first'>
  hasVaults(): Promise<boolean>
  vaultByName(name: string): Promise<StoredVault | undefined>
  vaultByKey(vault: VaultKey): Promise<StoredVault>

  /** Ends every other session of the same device and answers their token digests. Refused for a revoked device. */
  openSession(vault: VaultKey, session: NewSession): Promise<{ readonly ended: readonly Uint8Array[] } | 'revoked'>
  session(tokenHash: Uint8Array): Promise<StoredSession | undefined>
  endSession(tokenHash: Uint8Array): Promise<void>
  /** Whether the vault has a device, not revoked, with this cookie. */
  knowsCookie(vault: VaultKey, cookieHash: Uint8Array): Promise<boolean>
  /** Compare-and-set: the bundle's version must be the stored one plus one. Answers the digests of the sessions it ended. */
  updateCredentials(update: CredentialsUpdate): Promise<{ readonly ended: readonly Uint8Array[] } | 'bundle-conflict'>

  /** In the order of their first sign-in. */
  devices(vault: VaultKey): Promise<readonly StoredDevice[]>
  touchDevice(vault: VaultKey, deviceId: Uint8Array, now: number): Promise<void>
  /** Ends the device's sessions, answers their token digests, and refuses it new ones. */
  revokeDevice(vault: VaultKey, deviceId: Uint8Array, now: number): Promise<readonly Uint8Array[]>

  /**
   * Appends pushes in their order; one fsync may serve them all. The outcomes are in the same order, each push stands
   * or falls by itself, and no other caller sees any of it before it is durable.
   */
  append(pushes: readonly Append[]): Promise<readonly AppendOutcome[]>
  position(vault: VaultKey): Promise<Position>
  sizes(vault: VaultKey): Promise<VaultSizes>
  /** The chain value at a sequence number, undefined where the log has none. `chainAt(0)` is zeros. */
  chainAt(vault: VaultKey, sequence: number): Promise<Uint8Array | undefined>
  /**
   * Segments that intersect (after, through], ascending, until they pass `maxBytes` of sealed bytes: at least one if
   * there is any. `chain` is the chain value at the last one's sequence number.
   */
  read(
    vault: VaultKey,
    after: number,
    through: number,
    maxBytes: number,
  ): Promise<{ readonly segments: readonly DeliveredSegment[]; readonly chain: Uint8Array | undefined }>
  coverage(vault: VaultKey): Promise<Coverage>

  /**
   * Reads the buckets with these keys (a missing one has no times), gives them to `change` and stores what it answers,
   * atomically: two concurrent calls never see the same state. `change` is pure and may run more than once.
   */
  changeGuesses<T>(
    keys: readonly Uint8Array[],
    now: number,
    change: (times: readonly GuessTimes[]) => { readonly store: readonly GuessBucket[]; readonly result: T },
  ): Promise<T>

  close(): Promise<void>
}
