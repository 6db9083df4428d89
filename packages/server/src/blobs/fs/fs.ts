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

/** Chunks as they come, put together so that few writes are asked for. @throws BlobTooLargeError as soon as it is */
async function* gathered(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = []
  let length = 0
  let all = 0
  for await (const chunk of body) {
    all += chunk.length
    if (all > maxBytes) throw new BlobTooLargeError(maxBytes)
    chunks.push(chunk)
    length += chunk.length
    if (length < WRITE_BYTES) continue
    yield Buffer.concat(chunks)
    chunks = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(chunks)
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

/** Writes a new file and syncs it. @throws BlobTooLargeError, and what the body or the disk throws */
async function writeNew(path: string, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob> {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of gathered(body, maxBytes)) {
      bytes += chunk.length
      const written = writeAll(file, chunk)
      // On this thread, while another one writes.
      hash.update(chunk)
      await written
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { bytes, digest: hash.digest() }
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
