/**
 * What the server needs from a database, and nothing more: the one seam between routes and storage.
 *
 * Every method is one atomic step. What a method answers is durable when its promise resolves: in the database and
 * fsynced [SYNC-2]. No method takes a callback that does I/O, none keeps a transaction open between two calls, and
 * all of them are asynchronous, so that an embedded database, a database server and a remote one are all adapters.
 * An adapter proves itself with `storageContract` (contract.ts).
 *
 * A vault may be removed while requests of its devices are under way. What they then ask of it is refused with
 * `VaultRemovedError`, never answered from another vault: no two vaults of a database ever have the same key.
 *
 * The storage never sees a secret that opens anything: tokens, cookies and auth keys arrive as SHA-256 digests,
 * segments and bundles as sealed bytes.
 */
import type { SegmentIdentity } from '@lockstep/protocol/chain'
import type { Coverage, Suite } from '@lockstep/protocol/http'
import type { DeliveredSegment, IndexEntry, Mark, Position, SegmentRecord } from '@lockstep/protocol/records'
import type { DataansStore } from '#storage/dataans'
import type { DifflogStore } from '#storage/difflog'
import type { ShareStore } from '#storage/shares'

/** The adapter's own handle of a vault: an integer that means nothing outside one database and is never given twice in it. */
export type VaultKey = number & { readonly __brand: 'VaultKey' }

export interface Bundle {
  /** From 1; each write's is greater than the stored one [KEY-4]. */
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
  /** Sealed bytes of the log and of all shares, the measure of the quota. */
  readonly bytes: number
  readonly bundleVersion: number
  /** The key epoch that is open, from 1. */
  readonly epoch: number
}

export interface IdentifiedSegment extends SegmentIdentity {
  readonly record: SegmentRecord
}

/** A record of an epoch that has been closed: the one that is open, and the replica's last segment here [KEY-4]. */
export interface EpochClosed {
  readonly outcome: 'epoch-closed'
  readonly epoch: number
  readonly counter: number
  readonly previous: Uint8Array
}

/** A record of an epoch that is more than `MAX_EPOCH_JUMP` later than the one that is open [KEY-4]. */
export interface EpochAhead {
  readonly outcome: 'epoch-ahead'
  /** The one that is open. */
  readonly epoch: number
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
  | EpochClosed
  | EpochAhead
  | { readonly outcome: 'quota-exceeded'; readonly bytes: number }
  /** The disk or the database is full. Nothing of this push was stored. */
  | { readonly outcome: 'storage-full' }
  | { readonly outcome: 'vault-removed' }

export interface CredentialsUpdate {
  readonly vault: VaultKey
  readonly suite: Suite
  readonly salt: Uint8Array
  readonly authHash: Uint8Array
  /** Version of the bundle that is replaced; the new one's is greater [KEY-4]. */
  readonly replaces: number
  readonly bundle: Bundle
  /** The session that makes the change; it stays. */
  readonly keep: Uint8Array
}

/** Takes a device its access, opens an epoch and stores the record that says so, in one step [KEY-3]. */
export interface Revocation extends CredentialsUpdate {
  readonly deviceId: Uint8Array
  /** The epoch it opens: later than the one that is open. */
  readonly epoch: number
  /** The sealed rotation record. */
  readonly rotation: Uint8Array
  /** Where the log must stand: the record closes the epoch before with the counters there. */
  readonly head: number
  readonly chain: Uint8Array
  /** Unix milliseconds. */
  readonly now: number
}

export type RevocationOutcome =
  /** Token digests of the sessions that ended. */
  | { readonly outcome: 'revoked'; readonly ended: readonly Uint8Array[] }
  /** The vault has no such device, or it is revoked already. */
  | { readonly outcome: 'no-device' }
  | { readonly outcome: 'bundle-conflict' }
  | EpochAhead
  /** The log has moved, or has this epoch already. */
  | { readonly outcome: 'run-changed' }

export interface StoredRotation {
  readonly epoch: number
  readonly record: Uint8Array
}

/** What is read of a log: the segments that intersect (after, through]. */
export interface Interval {
  readonly after: number
  readonly through: number
  /** From the end; the parts of one run in their order all the same. */
  readonly newest: boolean
  /**
   * Goes on behind the segment with this id, if it is a part of what holds the sequence number `at`; else all is given that
   * intersects.
   */
  readonly resume?: { readonly at: number; readonly id: Uint8Array } | undefined
}

export interface Page {
  readonly segments: readonly DeliveredSegment[]
  /** The chain value at the last segment's last sequence number; undefined when there is none. */
  readonly chain: Uint8Array | undefined
  /** What comes after this page; undefined at the end. It stays right whatever is merged until it is read. */
  readonly rest: Interval | undefined
}

/** The right to put something else in place of a run, or seeds behind the head [LOG-10] [LOG-9]. */
export interface NewMerge {
  readonly vault: VaultKey
  /** The merge's name, made by the caller. */
  readonly name: string
  /** Token digest of the session that merges. */
  readonly session: Uint8Array
  readonly target: MergeTarget
  /** Unix milliseconds. */
  readonly now: number
  readonly expiresAt: number
}

export type MergeTarget =
  /** `run`: SHA-256 over the tags of its index entries. */
  | { readonly type: 'run'; readonly first: number; readonly last: number; readonly run: Uint8Array }
  | { readonly type: 'seed'; readonly head: number; readonly chain: Uint8Array }

export interface MergePart {
  readonly vault: VaultKey
  readonly name: string
  readonly session: Uint8Array
  /** From 0. */
  readonly part: number
  readonly segment: IdentifiedSegment
  readonly expiresAt: number
  /** Bytes the vault may hold; 0 for no bound. Seeds count against it. */
  readonly quota: number
}

export type MergePartOutcome =
  | { readonly outcome: 'stored' }
  /** There is no such merge of this session: it has ended, or another device has taken over. */
  | { readonly outcome: 'unknown-merge' }
  /** The record is not one of this merge: its kind, counter or previous. */
  | { readonly outcome: 'misplaced' }
  /** More than a merge of this run may have. */
  | { readonly outcome: 'too-large'; readonly room: number }
  | { readonly outcome: 'quota-exceeded'; readonly bytes: number }
  | EpochClosed
  | EpochAhead

export interface MergeCommit {
  readonly vault: VaultKey
  readonly name: string
  readonly session: Uint8Array
  readonly parts: number
  /** What seeds stand for: the last counter of each replica, and its digest. */
  readonly covers: readonly { readonly replica: Uint8Array; readonly counter: number; readonly digest: Uint8Array }[]
  readonly quota: number
}

export type MergeOutcome =
  /** `grown`: seeds were appended. A repeated commit gets the same, for as long as nobody else merges. */
  | { readonly outcome: 'merged'; readonly position: Position; readonly grown: boolean }
  | { readonly outcome: 'unknown-merge' }
  | { readonly outcome: 'run-changed' }
  /** Not just the parts 0 … parts − 1 were uploaded. */
  | { readonly outcome: 'incomplete' }
  /** The seeds do not continue each other. */
  | { readonly outcome: 'misplaced' }
  | { readonly outcome: 'quota-exceeded'; readonly bytes: number }
  | EpochClosed

/** What two logs have in common, and all that a repair starts from [LOG-9]. */
export interface Common {
  /** The greatest mark that is in the log; 0 for none. */
  readonly sequence: number
  readonly position: Position
  readonly epoch: number
  readonly bundleVersion: number
  readonly coverage: Coverage
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

/** The vault is not in the database any more. Thrown by every method that needs it but `append`, which answers it. */
export class VaultRemovedError extends Error {
  readonly code = 'vault-removed'
  constructor() {
    super('the vault was removed from this server')
    this.name = 'VaultRemovedError'
  }
}

/** Takes a vault away with all that is its own [VAULT-1]. */
export interface Removal {
  readonly vault: VaultKey
  /** Guess buckets whose keys begin with this go, too. */
  readonly guesses: Uint8Array
  /** Unix milliseconds. */
  readonly now: number
}

export interface Storage {
  /** 16 random bytes, made when the database was created [SEG-1]. */
  readonly generation: Uint8Array
  /** 32 random bytes, made when the database was created: keys made-up headers and guess buckets. */
  readonly secret: Uint8Array
  readonly dataans: DataansStore
  readonly difflog: DifflogStore
  readonly shares: ShareStore

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
  /** In one step; its name is free afterwards. Answers the token digests of all its sessions. */
  removeVault(removal: Removal): Promise<{ readonly ended: readonly Uint8Array[] }>

  /** Ends every other session of the same device and answers their token digests. Refused for a revoked device. */
  openSession(vault: VaultKey, session: NewSession): Promise<{ readonly ended: readonly Uint8Array[] } | 'revoked'>
  session(tokenHash: Uint8Array): Promise<StoredSession | undefined>
  /** Whether a session ended with its vault's removal. Known for half a year. */
  isRemovedSession(tokenHash: Uint8Array): Promise<boolean>
  endSession(tokenHash: Uint8Array): Promise<void>
  /** Whether the vault has a device, not revoked, with this cookie. */
  knowsCookie(vault: VaultKey, cookieHash: Uint8Array): Promise<boolean>
  /**
   * Compare-and-set on the bundle's version. Answers the digests of the sessions it ended: where the auth key changes all but the
   * one that is kept, else none.
   */
  updateCredentials(update: CredentialsUpdate): Promise<{ readonly ended: readonly Uint8Array[] } | 'bundle-conflict'>

  /** In the order of their first sign-in. */
  devices(vault: VaultKey): Promise<readonly StoredDevice[]>
  touchDevice(vault: VaultKey, deviceId: Uint8Array, now: number): Promise<void>
  /** Ends the device's sessions and refuses it new ones, together with all else that a revocation is, or does nothing. */
  revokeDevice(revocation: Revocation): Promise<RevocationOutcome>
  /** The records that opened epochs later than `after`, ascending. */
  rotations(vault: VaultKey, after: number): Promise<readonly StoredRotation[]>

  /**
   * Appends pushes in their order; one fsync may serve them all. The outcomes are in the same order, each push stands
   * or falls by itself, and no other caller sees any of it before it is durable.
   */
  append(pushes: readonly Append[]): Promise<readonly AppendOutcome[]>
  position(vault: VaultKey): Promise<Position>
  sizes(vault: VaultKey): Promise<VaultSizes>
  /** The chain value at a sequence number, undefined where the log has none. `chainAt(0)` is zeros. */
  chainAt(vault: VaultKey, sequence: number): Promise<Uint8Array | undefined>
  /** Whether a sequence number is inside of a merged run, before its last. */
  isInsideRun(vault: VaultKey, sequence: number): Promise<boolean>
  /**
   * Segments of an interval until they pass `maxBytes` of sealed bytes: at least one if there is any. A merged run that
   * intersects the interval is given whole.
   */
  read(vault: VaultKey, interval: Interval, maxBytes: number): Promise<Page>
  /** What the log consists of from the entry on that holds `from`, ascending, at most `limit` entries. */
  index(vault: VaultKey, from: number, limit: number): Promise<readonly IndexEntry[]>
  /** One range for each replica: counters have no gaps. In the order in which the replicas came. */
  coverage(vault: VaultKey): Promise<Coverage>
  common(vault: VaultKey, marks: readonly Mark[]): Promise<Common>

  /**
   * Reserves a merge. `merge-busy` while another session that has not ended has one, until it expires; a session's new
   * merge takes the place of its old one, whose parts are dropped.
   */
  openMerge(merge: NewMerge): Promise<'opened' | 'run-changed' | 'merge-busy'>
  /** Stores a part, in place of one with the same number, and renews the reservation. */
  putMergePart(part: MergePart): Promise<MergePartOutcome>
  /** Puts all parts in place, if the run or the head is still the one that was reserved, or does nothing. */
  commitMerge(commit: MergeCommit): Promise<MergeOutcome>

  /**
   * Reads the buckets with these keys (a missing one has no times), gives them to `change` and stores what it answers,
   * atomically: two concurrent calls never see the same state. `change` is pure and may run more than once.
   */
  changeGuesses<T>(
    keys: readonly Uint8Array[],
    now: number,
    change: (times: readonly GuessTimes[]) => { readonly store: readonly GuessBucket[]; readonly result: T },
  ): Promise<T>

  /**
   * One short step of tidying up, in milliseconds: room is given back, and what was removed is taken off the disk. Answers whether
   * there is more to do, `false` also once the storage is closed. Called at the start, after merges and removals, and once an hour,
   * until there is none.
   */
  maintain(now: number): Promise<boolean>

  close(): Promise<void>
}
