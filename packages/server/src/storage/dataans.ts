/**
 * What the Dataans dialect needs from a database. The rules of storage.ts hold: every method is one atomic step, and what
 * it answers is durable.
 *
 * An operation's place is (instant, id): all operations are in that order, and blocks are runs of them. They are never
 * changed and never removed.
 */

/** A moment of RFC 3339, on Coordinated Universal Time. */
export interface Instant {
  /** Since 1970, negative before: the years 0 to 9999. */
  readonly seconds: number
  /** 0 to 999 999 999, and as many again in a leap second. */
  readonly nanoseconds: number
}

export interface DataansOperation {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** As the client wrote it. */
  readonly createdAt: string
  /** 32 bytes, the client's. */
  readonly checksum: Uint8Array
  /** Sealed. */
  readonly data: Uint8Array
}

export interface NewDataansOperation extends DataansOperation {
  /** What `createdAt` says. */
  readonly instant: Instant
}

export type AddOutcome =
  /** How many of them were not there before. */
  | { readonly outcome: 'stored'; readonly added: number }
  /** An operation with this id is there, or among the new ones, with another checksum. */
  | { readonly outcome: 'conflict'; readonly id: Uint8Array }
  | { readonly outcome: 'quota-exceeded'; readonly bytes: number }

/** Where a reading goes on. What is added after it began is no part of it. */
export interface OperationsRest {
  readonly after: Uint8Array
  readonly through: number
}

export interface OperationsPage {
  readonly operations: readonly DataansOperation[]
  /** Undefined at the end. */
  readonly rest: OperationsRest | undefined
}

export interface DataansUser {
  readonly id: string
  readonly secretKeyHash: string
}

/** Which blob a file's bytes are, and what they were when they came. */
export interface DataansFile {
  /** The blob store's name of it: another one for each upload. */
  readonly blob: string
  readonly bytes: number
  /** SHA-256. */
  readonly digest: Uint8Array
}

export type PutFileOutcome =
  /** `replaced`: the blob that was this file before, and is nobody's now. */
  | { readonly outcome: 'stored'; readonly replaced: string | undefined }
  | { readonly outcome: 'quota-exceeded'; readonly bytes: number }

export interface DataansUsage {
  readonly operations: number
  /** Of the operations' data. */
  readonly operationBytes: number
  readonly fileBytes: number
}

export interface DataansStore {
  user(): Promise<DataansUser | undefined>
  /** Once for a server: of two calls at a time one makes the user. */
  createUser(user: DataansUser): Promise<'created' | 'exists'>

  /**
   * All of them or none. One that is there already, with its checksum, changes nothing.
   *
   * @param quota the most bytes of operations and files together, 0 for no bound
   */
  addOperations(operations: readonly NewDataansOperation[], quota: number): Promise<AddOutcome>
  /**
   * SHA-256 over the checksums of each run of `itemsPerBlock` operations, 32 bytes each, one after another; the last run may be
   * short. With {@link ITEMS_PER_BLOCK} no checksum is read. Nobody changes the bytes: the same ones may be given again.
   */
  blocks(itemsPerBlock: number): Promise<Uint8Array>
  /**
   * Operations in order, until they pass `maxBytes` of data: at least one if there is any.
   *
   * @param from how many to skip, or the rest of an earlier page
   */
  operations(from: number | OperationsRest, maxBytes: number): Promise<OperationsPage>

  file(id: Uint8Array): Promise<DataansFile | undefined>
  /** Makes a stored blob the file with this id. @param quota as for operations */
  putFile(id: Uint8Array, file: DataansFile, quota: number): Promise<PutFileOutcome>
  /** The blobs that are some file's. */
  blobs(): Promise<readonly string[]>
  usage(): Promise<DataansUsage>
}

/** What the clients ask for: the block hashes that are kept. */
export const ITEMS_PER_BLOCK = 16
