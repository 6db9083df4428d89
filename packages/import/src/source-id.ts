/**
 * Row ids and digests that follow from a source, so that two devices which import the same folder apart end with one of
 * each space and note, and importing again finds what the first import made.
 *
 *     space id = base32(first 16 bytes of SHA-256([label, "space", place, folder]))
 *     note id  = base32(first 16 bytes of SHA-256([label, "note", place, folder, path]))
 *
 * The parts are written as a JSON array, which keeps them apart. `place` tells a folder of the tree from the tree's own top, whose folder is its base name:
 * a tree "notes" may well have a folder "notes". The path is below the folder, with `/`, exactly as the file system spells it.
 */
import { toRowId } from '@lockstep/engine/cell'

const LABEL = 'lockstep/import/markdown'

export type Place = 'folder' | 'top'

async function digest16(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toRowId(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes), 0, 16))
}

function parts(...texts: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify([LABEL, ...texts]))
}

export function spaceIdOf(place: Place, folder: string): Promise<string> {
  return digest16(parts('space', place, folder))
}

export function noteIdOf(place: Place, folder: string, path: string): Promise<string> {
  return digest16(parts('note', place, folder, path))
}

/** What the column `source` of an imported note holds. */
export function contentDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return digest16(bytes)
}
