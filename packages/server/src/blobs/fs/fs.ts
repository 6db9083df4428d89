/**
 * Blobs as files in a folder, each under its own name:
 *
 *     files/<name>              a blob, whole
 *     files/incoming/<random>   one that is being written
 *
 * A blob is written beside the others, fsynced, and renamed into its place; then the folder is fsynced. Who is killed on the way
 * leaves a file in `incoming`, which the next start removes. Files are for their owner alone.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlobStore, BlobTooLargeError, blobName, type OpenBlob, type StoredBlob } from '#blobs/blobs'
import { StorageFullError } from '#storage/storage'

/** In a server's data folder. */
export const BLOBS_FOLDER = 'files'
const INCOMING = 'incoming'
/** What a reader is given at once. */
const CHUNK_BYTES = 256 * 1024
/** What is written at once. */
const WRITE_BYTES = 512 * 1024

export interface FolderBlobsOptions {
  /** Made if missing. One process at a time works on it. */
  readonly folder: string
  /** Called at named points of a write, for tests that kill the process there. */
  readonly crashPoint?: ((name: string) => void) | undefined
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function isAbsent(error: unknown): boolean {
  return errorCode(error) === 'ENOENT'
}

function withFullDisk(error: unknown): unknown {
  const code = errorCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT' ? new StorageFullError({ cause: error }) : error
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folder; it makes names last by itself.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes and hashes a body with two buffers: one takes what comes while the other is written. */
class BodyWriter {
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #taking = Buffer.allocUnsafeSlow(WRITE_BYTES)
  #spare = Buffer.allocUnsafeSlow(WRITE_BYTES)
  #taken = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(file: FileHandle) {
    this.#file = file
  }

  async add(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + WRITE_BYTES - this.#taken)
      this.#taking.set(part, this.#taken)
      this.#taken += part.length
      at += part.length
      if (this.#taken === WRITE_BYTES) await this.#write()
    }
  }

  async #write(): Promise<void> {
    await this.#writing
    const full = this.#taking.subarray(0, this.#taken)
    this.#taking = this.#spare
    this.#spare = full
    this.#taken = 0
    this.#writing = writeAll(this.#file, full)
    // Heard of by the next await; the body may fail before that.
    this.#writing.catch(() => {})
    // On this thread, while another one writes.
    this.#hash.update(full)
  }

  /** Resolves when all is written. */
  async finish(): Promise<Uint8Array> {
    await this.#write()
    await this.#writing
    return this.#hash.digest()
  }

  /** Resolves when nothing is being written any more. */
  idle(): Promise<void> {
    return this.#writing.catch(() => {})
  }
}

/** Writes a new file and syncs it. @throws BlobTooLargeError, and what the body or the disk throws */
async function writeNew(path: string, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob> {
  let bytes = 0
  const file = await open(path, 'wx', 0o600)
  const writer = new BodyWriter(file)
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new BlobTooLargeError(maxBytes)
      await writer.add(chunk)
    }
    const digest = await writer.finish()
    await file.sync()
    return { bytes, digest }
  } finally {
    await writer.idle()
    await file.close()
  }
}

function openHandle(file: FileHandle, bytes: number): OpenBlob {
  let at = 0
  return {
    bytes,
    close: () => file.close(),
    stream: () =>
      new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            try {
              const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes - at))
              const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
              if (bytesRead === 0 && at < bytes) throw new Error('a stored file is shorter than it was')
              if (bytesRead > 0) controller.enqueue(chunk.subarray(0, bytesRead))
              at += bytesRead
              if (at < bytes) return
              await file.close()
              controller.close()
            } catch (error) {
              await file.close()
              throw error
            }
          },
          cancel: () => file.close(),
        },
        { highWaterMark: 0 },
      ),
  }
}

export function openFolderBlobs({ folder, crashPoint = () => {} }: FolderBlobsOptions): BlobStore {
  const incoming = join(folder, INCOMING)
  mkdirSync(incoming, { recursive: true, mode: 0o700 })
  for (const left of readdirSync(incoming)) rmSync(join(incoming, left), { recursive: true })
  const pathOf = (name: string) => join(folder, blobName(name))

  return {
    async put(name, body, maxBytes) {
      const path = pathOf(name)
      const temporary = join(incoming, randomUUID())
      try {
        const stored = await writeNew(temporary, body, maxBytes)
        crashPoint('blob-written')
        await rename(temporary, path)
        crashPoint('blob-renamed')
        await syncFolder(folder)
        return stored
      } catch (error) {
        await rm(temporary, { force: true })
        throw withFullDisk(error)
      }
    },

    async open(name) {
      try {
        const file = await open(pathOf(name), 'r')
        const { size } = await file.stat()
        return openHandle(file, size)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    },

    async exists(name) {
      try {
        return (await stat(pathOf(name))).isFile()
      } catch (error) {
        if (isAbsent(error)) return false
        throw error
      }
    },

    remove: (name) => rm(pathOf(name), { force: true }),

    async list(prefix) {
      const entries = await readdir(folder, { withFileTypes: true })
      return entries.filter((entry) => entry.isFile() && entry.name.startsWith(prefix)).map(({ name }) => name)
    },
  }
}
