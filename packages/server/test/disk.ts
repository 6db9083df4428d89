/** What is readable in a data folder, by whoever has the disk. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PIECE = 24

/** From its beginning, its end and places between. */
function piecesOf(needle: Uint8Array): Buffer[] {
  const last = needle.length - PIECE
  if (last < 0) return [Buffer.from(needle)]
  const starts = new Set([0, 1, 2, 3, 4, 5, 6, 7].map((n) => Math.floor((last * n) / 7)))
  return [...starts].map((start) => Buffer.from(needle.subarray(start, start + PIECE)))
}

/** The names of those of which any piece is in any file. */
export function foundOnDisk(folder: string, needles: Readonly<Record<string, Uint8Array>>): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  return Object.entries(needles).flatMap(([name, needle]) => {
    const pieces = piecesOf(needle)
    return files.some((file) => pieces.some((piece) => file.includes(piece))) ? [name] : []
  })
}
