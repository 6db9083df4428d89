/** Ids and digests of rows that come from Dataans. */
import { sha256 } from '@lockstep/crypto/foreign'
import { toRowId } from '@lockstep/engine/cell'
import { fromHex } from '@lockstep/protocol/bytes'

/** 16 bytes. */
export function uuidBytes(uuid: string): Uint8Array {
  return fromHex(uuid.replaceAll('-', ''))
}

/** A row has the id of the object that it comes from. */
export const rowIdOf = (uuid: string): string => toRowId(uuidBytes(uuid))

/** Of a text as it is stored. */
export const digestOf = (text: string): string => toRowId(sha256(new TextEncoder().encode(text)).subarray(0, 16))
