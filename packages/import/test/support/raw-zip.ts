/** Zip archives written byte by byte, so that a test can write what no program does. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface RawEntry {
  readonly name: string | Uint8Array
  readonly data?: string | Uint8Array
  readonly deflate?: boolean
  /** What the entry says, where that is not the truth. */
  readonly size?: number
  readonly crc?: number
  readonly method?: number
  readonly flags?: number
  /** What made it: 0 MS-DOS, 3 Unix. */
  readonly host?: number
  /** Unix mode. */
  readonly mode?: number
  /** Its bytes are where those of the first entry are. */
  readonly sharesFirst?: boolean
}

const UTF8_NAMES = 0x800

export function rawZip(entries: readonly RawEntry[]): Blob {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const { name, data = '', deflate = false, flags = UTF8_NAMES, host = 3, mode = 0, sharesFirst = false } = entry
    const nameBytes = Buffer.from(name as string)
    const plain = Buffer.from(data as string)
    const stored = deflate ? deflateRawSync(plain) : plain
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(flags, 2)
    common.writeUInt16LE(entry.method ?? (deflate ? 8 : 0), 4)
    // 2026-01-01 12:00.
    common.writeUInt16LE(12 << 11, 6)
    common.writeUInt16LE((46 << 9) | (1 << 5) | 1, 8)
    common.writeUInt32LE(entry.crc ?? crc32(plain), 10)
    common.writeUInt32LE(stored.length, 14)
    common.writeUInt32LE(entry.size ?? plain.length, 18)
    common.writeUInt16LE(nameBytes.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes, stored])
    const central = Buffer.alloc(42)
    central.writeUInt16LE((host << 8) | 20, 0)
    common.copy(central, 2)
    central.writeUInt32LE((mode << 16) >>> 0, 34)
    central.writeUInt32LE(sharesFirst ? 0 : offset, 38)
    directory.push(Buffer.from('PK\x01\x02', 'latin1'), central, nameBytes)
    if (sharesFirst) continue
    parts.push(local)
    offset += local.length
  }
  const list = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length & 0xffff, 4)
  end.writeUInt16LE(entries.length & 0xffff, 6)
  end.writeUInt32LE(list.length, 8)
  end.writeUInt32LE(offset, 12)
  return new Blob([new Uint8Array(Buffer.concat([...parts, list, Buffer.from('PK\x05\x06', 'latin1'), end]))])
}
