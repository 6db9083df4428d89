/** A folder on disk as a tree to import. Links are counted and never followed; the order does not depend on the file system. */
import { constants, type Dirent, type Stats } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ImportError } from '#errors'
import type { Refused, SkipReason, SourceFile, SourceTree } from '#source-tree'

/** Folders below each other; deeper ones cannot be named by most tools either. */
const MAX_DEPTH = 200

/** @throws ImportError `source-unreadable` when it is no folder or cannot be listed; what fails below it is in `refused`. */
export async function readFolder(folder: string): Promise<SourceTree> {
  let top: string
  let entries: Dirent[]
  try {
    top = await realpath(folder)
    entries = await list(top)
  } catch (error) {
    throw new ImportError('source-unreadable', `"${folder}" cannot be read as a folder: ${describe(error)}`, { cause: error })
  }
  const walk = new Walk(top)
  await walk.visit('', entries, 0)
  const unlisted = new Set(walk.refused.map(({ path }) => path))
  const folders = entries
    .filter((entry) => entry.isDirectory() && !isHidden(entry) && !unlisted.has(entry.name))
    .map(({ name }) => name)
  return { name: basename(top) || 'Notes', folders, files: walk.files, skipped: walk.skipped, refused: walk.refused }
}

const isHidden = ({ name }: Dirent) => name.startsWith('.')

async function list(path: string): Promise<Dirent[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

class Walk {
  readonly files: SourceFile[] = []
  readonly refused: Refused[] = []
  readonly skipped: Record<SkipReason, number> = { hidden: 0, link: 0, special: 0 }
  readonly #top: string

  constructor(top: string) {
    this.#top = top
  }

  async visit(below: string, entries: readonly Dirent[], depth: number): Promise<void> {
    for (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (isHidden(entry)) this.skipped.hidden++
      else if (entry.isSymbolicLink()) this.skipped.link++
      else if (entry.isDirectory()) await this.#folder(path, depth + 1)
      else if (entry.isFile()) await this.#file(path)
      else this.skipped.special++
    }
  }

  async #folder(path: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) {
      this.refused.push({ path, reason: `is more than ${MAX_DEPTH} folders deep` })
      return
    }
    let entries: Dirent[]
    try {
      entries = await list(join(this.#top, path))
    } catch (error) {
      this.refused.push({ path, reason: reasonOf(path, error) })
      return
    }
    await this.visit(path, entries, depth)
  }

  async #file(path: string): Promise<void> {
    const full = join(this.#top, path)
    let stats: Stats
    try {
      stats = await lstat(full)
    } catch (error) {
      this.refused.push({ path, reason: reasonOf(path, error) })
      return
    }
    const modifiedAt = Math.max(0, Math.trunc(stats.mtimeMs))
    this.files.push({ path, size: stats.size, modifiedAt, read: (limit) => readUpTo(full, limit) })
  }
}

async function readUpTo(path: string, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  // What was listed as a file may be a link by now; where the platform can refuse that, it does.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((error: unknown) => {
    throw new Error(describe(error), { cause: error })
  })
  try {
    const { size } = await handle.stat()
    const wanted = Math.min(size, limit + 1)
    const bytes = new Uint8Array(wanted)
    let at = 0
    while (at < wanted) {
      const { bytesRead } = await handle.read(bytes, at, wanted - at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return bytes.subarray(0, at)
  } finally {
    await handle.close()
  }
}

function describe(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'it does not exist'
  if (code === 'ENOTDIR') return 'it is not a folder'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  return code ?? (error instanceof Error ? error.message : String(error))
}

function reasonOf(path: string, error: unknown): string {
  // Names are decoded as UTF-8; one that is not leads nowhere when it is encoded again.
  if ((error as NodeJS.ErrnoException).code === 'ENOENT' && path.includes('\ufffd')) return 'has a name that is not UTF-8'
  return `cannot be read (${describe(error)})`
}
