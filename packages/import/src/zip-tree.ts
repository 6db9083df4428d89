/**
 * A zip archive as a tree to import. The archive may be hostile: its list is read first and nothing of it believed.
 *
 * | what | then |
 * | --- | --- |
 * | it is no zip, is cut off, or can be read in two ways | `source-invalid`: nothing is imported |
 * | it says it holds more than {@link MAX_TOTAL_BYTES} of Markdown | as above: a bomb, or no person's notes |
 * | a file is locked, packed by an unknown method, of a wrong checksum, or shares its bytes with another | refused by name |
 * | a file unpacks to more bytes than its entry says | refused by name, after that many bytes |
 * | an archive in the archive | is no Markdown: never opened |
 *
 * Separators: `/`. Some programs on Windows write `\`; in an archive that says it was made there it separates, too.
 */
import { BlobReader, type Entry, type FileEntry, ZipReader } from '@zip.js/zip.js/lib/zip-core-native.js'
import { ImportError } from '#errors'
import { type ListedEntry, treeOf } from '#list-tree'
import { isMarkdown, type SourceTree } from '#source-tree'

/** Bytes. */
export const MAX_TOTAL_BYTES = 4 * 1024 ** 3
/** Of `versionMadeBy`: MS-DOS and its heirs. */
const HOSTS_WITH_BACKSLASH: ReadonlySet<number> = new Set([0, 10, 11, 14])

/** @throws ImportError `source-invalid`, `source-unreadable` */
export async function readZip(name: string, archive: Blob): Promise<SourceTree> {
  // What the archive says of its own names is checked entry by entry: one bad name is no reason to refuse all.
  const reader = new ZipReader(new BlobReader(archive), { filenameValidation: 'tolerant', useWebWorkers: false })
  try {
    return await treeOf(name, entriesOf(name, reader))
  } catch (error) {
    if (error instanceof ImportError) throw error
    if (error instanceof DOMException) {
      throw new ImportError('source-unreadable', `${name} cannot be read: ${error.message}`, { cause: error })
    }
    throw new ImportError('source-invalid', `${name} is no zip archive, or a damaged one`, { cause: error })
  }
}

async function* entriesOf(name: string, reader: ZipReader<unknown>): AsyncGenerator<ListedEntry> {
  let total = 0
  for await (const entry of reader.getEntriesGenerator()) {
    const path = pathOf(entry)
    if (isMarkdown(path)) total += entry.uncompressedSize
    if (total > MAX_TOTAL_BYTES) {
      throw new ImportError('source-invalid', `${name} says it holds more than ${MAX_TOTAL_BYTES / 1024 ** 3} GiB of Markdown`)
    }
    yield listed(path, entry)
  }
}

function pathOf({ filename, versionMadeBy }: Entry): string {
  return HOSTS_WITH_BACKSLASH.has(versionMadeBy >> 8) ? filename.replaceAll('\\', '/') : filename
}

function listed(path: string, entry: Entry): ListedEntry {
  if (entry.directory || path.endsWith('/')) return { kind: 'folder', path }
  if (entry.symlink) return { kind: 'link', path }
  if (entry.encrypted) return { kind: 'refused', path, reason: 'is locked with a password' }
  const modifiedAt = entry.lastModDate.getTime()
  return {
    kind: 'file',
    path,
    size: entry.uncompressedSize,
    ...(modifiedAt >= 0 && { modifiedAt }),
    read: (limit) => unpack(entry, limit),
  }
}

/** Says so where there are more bytes than its entry says, or than `limit`. */
class TooMuch extends Error {}

async function unpack(entry: FileEntry, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const size = entry.uncompressedSize
  const most = Math.min(size, limit + 1)
  const bytes = new Uint8Array(most)
  let at = 0
  const writable = new WritableStream<Uint8Array>({
    write(chunk) {
      if (at + chunk.length > most) throw new TooMuch('it holds more than it says')
      bytes.set(chunk, at)
      at += chunk.length
    },
  })
  try {
    await entry.getData(writable, { checkSignature: true, checkOverlappingEntry: true, useWebWorkers: false })
  } catch (error) {
    throw error instanceof TooMuch ? error : new Error(`damaged, or packed in a way that is not known: ${messageOf(error)}`)
  }
  if (at < most) throw new Error('it holds less than it says')
  return bytes
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
