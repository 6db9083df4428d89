/** UUIDs: text on the wire, 16 bytes in the storage. They come in either case and are given in lower case. */
import { fromHex, toHex } from '@lockstep/protocol/bytes'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Undefined for what is none. */
export function parseUuid(text: string): Uint8Array | undefined {
  return UUID.test(text) ? fromHex(text.replaceAll('-', '').toLowerCase()) : undefined
}

export function formatUuid(bytes: Uint8Array): string {
  const hex = toHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
