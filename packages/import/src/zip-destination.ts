/**
 * A zip archive as the destination of an export: written as a stream, entry by entry, so that it never has to be in memory. Beyond
 * 65 535 entries, or 4 GiB, it has Zip64's records.
 *
 * An archive is carried from one system to another, so its names are those that every system takes, also one where `A` and `a` are
 * one file: what the same export would write into a folder on Windows.
 */
import { Uint8ArrayReader, ZipWriter } from '@zip.js/zip.js/lib/zip-core-native.js'
import { ImportError } from '#errors'
import type { Destination } from '#markdown-export'

/** Bytes. Smaller files are stored as they are: packing takes longer than it saves. */
const PACKED_FROM = 4096
const LEVEL = 6
/** The earliest time that an entry can have, 1980-01-01 in any time zone. Unix milliseconds. */
const EARLIEST = Date.UTC(1980, 0, 2)

export interface ZipDestination extends Destination {
  /** Writes the archive's end and closes the stream. @throws ImportError `destination-unwritable` */
  finish(): Promise<void>
  /** Leaves nothing behind where the stream can. */
  abort(): Promise<void>
}

export function openZip(archive: WritableStream<Uint8Array>): ZipDestination {
  // The sizes of an entry are before its bytes, where every program looks for them.
  const zip = new ZipWriter(archive, { useWebWorkers: false, dataDescriptor: false })
  return {
    rules: { names: 'windows', caseSensitive: false },
    async makeFolder(path) {
      await zip.add(`${path}/`, undefined, { directory: true }).catch(unwritable)
    },
    async writeFile(path, bytes, modifiedAt = EARLIEST) {
      const level = bytes.length < PACKED_FROM ? 0 : LEVEL
      const lastModDate = new Date(Math.max(EARLIEST, modifiedAt))
      await zip.add(path, new Uint8ArrayReader(bytes), { level, lastModDate }).catch(unwritable)
    },
    async finish() {
      await zip.close().catch(unwritable)
    },
    async abort() {
      await archive.abort(new ImportError('cancelled', 'the export was stopped')).catch(() => {})
    },
  }
}

function unwritable(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error)
  throw new ImportError('destination-unwritable', `the archive cannot be written: ${reason}`, { cause: error })
}
