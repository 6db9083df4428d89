/**
 * Where files are kept: large byte strings with names, written once as a stream and read as a stream, in constant
 * memory. What a file is called by people, whose it is and what it should contain is the database's business; this is only the
 * place for its bytes. A store proves itself with `blobContract` (contract.ts).
 *
 * A name is 1 to 128 characters of `a-z 0-9 -` and begins with no hyphen: the same in every file system and object store.
 */

const NAME = /^[a-z0-9][a-z0-9-]{0,127}$/

export interface StoredBlob {
  readonly bytes: number
  /** SHA-256. */
  readonly digest: Uint8Array
}

/** A blob that is being read: whole, whatever happens to its name meanwhile. */
export interface OpenBlob {
  readonly bytes: number
  /** Once. It fails when fewer bytes are there than were stored. Reading to the end or cancelling closes the blob. */
  stream(): ReadableStream<Uint8Array>
  /** For who has not asked for the stream. */
  close(): Promise<void>
}

export interface BlobStore {
  /**
   * Stores a blob, in place of one with this name if there is one: when the promise resolves it is there whole, over a power
   * cut too; when it rejects, what was there before is.
   *
   * @throws BlobTooLargeError, StorageFullError, and what reading `body` throws
   */
  put(name: string, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob>
  /** Undefined when there is none. */
  open(name: string): Promise<OpenBlob | undefined>
  exists(name: string): Promise<boolean>
  /** Does nothing where there is none. */
  remove(name: string): Promise<void>
  /** Names that begin with `prefix`, in no order. */
  list(prefix: string): Promise<readonly string[]>
}

export class BlobTooLargeError extends Error {
  readonly code = 'blob-too-large'
  constructor(maxBytes: number) {
    super(`the blob is over the limit of ${maxBytes} bytes`)
    this.name = 'BlobTooLargeError'
  }
}

/** Answers the name. @throws RangeError for what is none: names come from our own code, never from a request. */
export function blobName(name: string): string {
  if (!NAME.test(name)) throw new RangeError('a blob has a name that no store takes')
  return name
}
