/** Where an export is written: into the file that the person chose, or piece by piece into a Blob, which browsers keep on disk when it is large. */
import { ImportError } from '@lockstep/import/errors'

export interface ExportSink {
  readonly writable: WritableStream<Uint8Array>
  /** All that was written, once the stream is closed; undefined where it is in a file. */
  blob(): Blob | undefined
}

/** Bytes that are held until they become a part of the Blob. */
const PART = 4 * 1024 * 1024

/** @throws ImportError `destination-unwritable` */
export async function openSink(type: string, file: FileSystemFileHandle | undefined): Promise<ExportSink> {
  if (file === undefined) return blobSink(type)
  try {
    return { writable: (await file.createWritable()) as WritableStream<Uint8Array>, blob: () => undefined }
  } catch (error) {
    throw new ImportError('destination-unwritable', `${file.name} cannot be written: ${(error as Error).message}`, { cause: error })
  }
}

function blobSink(type: string): ExportSink {
  const parts: Blob[] = []
  let held: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  const give = () => {
    parts.push(new Blob(held))
    held = []
    bytes = 0
  }
  const writable = new WritableStream<Uint8Array<ArrayBuffer>>({
    write(chunk) {
      held.push(chunk)
      bytes += chunk.length
      if (bytes >= PART) give()
    },
    close: give,
    abort: () => void parts.splice(0),
  })
  return { writable: writable as WritableStream<Uint8Array>, blob: () => new Blob(parts, { type }) }
}
