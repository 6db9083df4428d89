/** Files on disk, made so that they are there after a power cut, and only for their owner. */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'

const CHUNK = 1024 * 1024

/** Makes what was written to a file or what was named in a folder last. */
export function sync(path: string): void {
  // Windows opens no folder; it makes names last by itself.
  if (process.platform === 'win32') return
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Writes a new file of mode 0600 and syncs it. */
export function writePrivate(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** SHA-256 in hexadecimal, in constant memory. `onBytes` is told how far it is. @throws what reading throws */
export function hashFile(path: string, onBytes: (done: number, total: number) => void = () => {}): string {
  const hash = createHash('sha256')
  const chunk = new Uint8Array(CHUNK)
  const file = openSync(path, 'r')
  try {
    const total = fstatSync(file).size
    let done = 0
    for (;;) {
      const read = readSync(file, chunk)
      if (read === 0) return hash.digest('hex')
      hash.update(chunk.subarray(0, read))
      done += read
      onBytes(done, total)
    }
  } finally {
    closeSync(file)
  }
}

/** A database's files, those of them that exist: the file itself, its write-ahead log, the log's index. */
export function databaseFiles(path: string): string[] {
  return [path, `${path}-wal`, `${path}-shm`].filter((name) => existsSync(name))
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
