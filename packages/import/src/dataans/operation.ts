/**
 * What a Dataans client writes down of each change: the plaintext of an operation, and the digest that the server keeps beside the
 * sealed one.
 *
 *     {"id": uuid, "created_at": RFC 3339, "operation": {<name>: <payload>}}
 *
 *     checksum = SHA-256(id 16 ‖ created_at ‖ name UTF-8 ‖ the payload's fields in the order of PAYLOADS)
 *
 * A uuid is 16 bytes there, a time Unix nanoseconds as a signed 128-bit number (big-endian), a string UTF-8 without its length,
 * a flag one byte, a list its items one after another. Source: the Dataans dialect's contract, "Client-side formats".
 */
import { sha256 } from '@lockstep/crypto/foreign'
import { z } from 'zod'
import { uuidBytes } from '#dataans/ids'
import { parseTimestamp } from '#dataans/timestamp'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const uuid = z
  .string()
  .regex(UUID)
  .transform((text) => text.toLowerCase())
const time = z.string().transform((text, context) => {
  const nanos = parseTimestamp(text)
  if (nanos !== undefined) return nanos
  context.addIssue({ code: 'custom', message: 'is not a time' })
  return z.NEVER
})

const note = z.object({
  id: uuid,
  text: z.string(),
  created_at: time,
  updated_at: time,
  space_id: uuid,
  is_deleted: z.boolean(),
})
const file = z.object({
  id: uuid,
  name: z.string(),
  path: z.string(),
  created_at: time,
  updated_at: time,
  is_deleted: z.boolean(),
})
const space = z.object({
  id: uuid,
  name: z.string(),
  avatar_id: uuid,
  created_at: time,
  updated_at: time,
  is_deleted: z.boolean(),
})

export type DataansNote = z.output<typeof note>
export type DataansSpace = z.output<typeof space>
export type DataansFile = z.output<typeof file>

const PAYLOADS = {
  CreateNote: note,
  UpdateNote: note,
  DeleteNote: uuid,
  CreateFile: file,
  DeleteFile: uuid,
  CreateSpace: space,
  UpdateSpace: space,
  DeleteSpace: uuid,
  SetNoteFiles: z.tuple([uuid, z.array(uuid)]),
} as const

type Name = keyof typeof PAYLOADS

export type Change = { [N in Name]: { readonly name: N; readonly payload: z.output<(typeof PAYLOADS)[N]> } }[Name]

export interface DataansOperation {
  readonly id: string
  /** Unix nanoseconds. */
  readonly at: bigint
  readonly change: Change
}

const record = z.object({ id: uuid, created_at: time, operation: z.record(z.string(), z.unknown()) })

/** Undefined where the text is no operation, or one of a kind that is not known. */
export function parseOperation(text: string): DataansOperation | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const outer = record.safeParse(value)
  if (!outer.success) return undefined
  const [entry, ...more] = Object.entries(outer.data.operation)
  if (entry === undefined || more.length > 0 || !Object.hasOwn(PAYLOADS, entry[0])) return undefined
  const name = entry[0] as Name
  const payload = PAYLOADS[name].safeParse(entry[1])
  if (!payload.success) return undefined
  return { id: outer.data.id, at: outer.data.created_at, change: { name, payload: payload.data } as Change }
}

/** 32 bytes. */
export function checksumOf({ id, at, change }: DataansOperation): Uint8Array {
  return sha256(uuidBytes(id), timeBytes(at), utf8(change.name), ...payloadBytes(change))
}

function payloadBytes({ name, payload }: Change): Uint8Array[] {
  switch (name) {
    case 'DeleteNote':
    case 'DeleteFile':
    case 'DeleteSpace':
      return [uuidBytes(payload)]
    case 'SetNoteFiles':
      return [uuidBytes(payload[0]), ...payload[1].map(uuidBytes)]
    case 'CreateNote':
    case 'UpdateNote':
      return [
        uuidBytes(payload.id),
        utf8(payload.text),
        timeBytes(payload.created_at),
        timeBytes(payload.updated_at),
        uuidBytes(payload.space_id),
        flagByte(payload.is_deleted),
      ]
    case 'CreateFile':
      return [uuidBytes(payload.id), utf8(payload.name), utf8(payload.path), ...ageBytes(payload)]
    default:
      return [uuidBytes(payload.id), utf8(payload.name), uuidBytes(payload.avatar_id), ...ageBytes(payload)]
  }
}

const ageBytes = (of: { readonly created_at: bigint; readonly updated_at: bigint; readonly is_deleted: boolean }) => [
  timeBytes(of.created_at),
  timeBytes(of.updated_at),
  flagByte(of.is_deleted),
]

const encoder = new TextEncoder()
const utf8 = (text: string) => encoder.encode(text)
const flagByte = (flag: boolean) => Uint8Array.of(flag ? 1 : 0)

function timeBytes(nanos: bigint): Uint8Array {
  const out = new Uint8Array(16)
  const view = new DataView(out.buffer)
  view.setBigInt64(0, nanos >> 64n)
  view.setBigUint64(8, BigInt.asUintN(64, nanos))
  return out
}
