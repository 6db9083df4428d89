/**
 * What a device did, in the app's words, and how two devices tell cheaply whether they know the same: each operation has a
 * checksum, and each run of operations in order of time a hash over theirs.
 *
 * ```
 * checksum = SHA-256(id (16) ‖ time (nanoseconds since 1970, signed 128-bit big-endian) ‖ name of the operation ‖ its fields)
 * block    = SHA-256(checksum ‖ checksum ‖ …)
 * ```
 * A field is a UUID's 16 bytes, a text's UTF-8, a time as above, a boolean's byte; a list is its items.
 */
import { createHash } from 'node:crypto'
import { nanosOf } from './time.ts'

export interface Note {
  readonly id: string
  readonly text: string
  readonly created_at: string
  readonly updated_at: string
  readonly space_id: string
  readonly is_deleted: boolean
}

export interface Space {
  readonly id: string
  readonly name: string
  readonly avatar_id: string
  readonly created_at: string
  readonly updated_at: string
  readonly is_deleted: boolean
}

export interface AttachedFile {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly created_at: string
  readonly updated_at: string
  readonly is_deleted: boolean
}

/** Exactly one member: the operation's name with what it is about. */
export type Change =
  | { readonly CreateNote: Note }
  | { readonly UpdateNote: Note }
  | { readonly DeleteNote: string }
  | { readonly CreateFile: AttachedFile }
  | { readonly DeleteFile: string }
  | { readonly CreateSpace: Space }
  | { readonly UpdateSpace: Space }
  | { readonly DeleteSpace: string }
  | { readonly SetNoteFiles: readonly [note: string, files: readonly string[]] }

export interface Operation {
  readonly id: string
  readonly created_at: string
  readonly operation: Change
}

type FieldType = 'uuid' | 'text' | 'time' | 'bool'
type Fields = readonly (readonly [name: string, type: FieldType])[]

const NOTE: Fields = [
  ['id', 'uuid'],
  ['text', 'text'],
  ['created_at', 'time'],
  ['updated_at', 'time'],
  ['space_id', 'uuid'],
  ['is_deleted', 'bool'],
]
const SPACE: Fields = [
  ['id', 'uuid'],
  ['name', 'text'],
  ['avatar_id', 'uuid'],
  ['created_at', 'time'],
  ['updated_at', 'time'],
  ['is_deleted', 'bool'],
]
const FILE: Fields = [
  ['id', 'uuid'],
  ['name', 'text'],
  ['path', 'text'],
  ['created_at', 'time'],
  ['updated_at', 'time'],
  ['is_deleted', 'bool'],
]
const OBJECTS: Readonly<Record<string, Fields>> = {
  CreateNote: NOTE,
  UpdateNote: NOTE,
  CreateFile: FILE,
  CreateSpace: SPACE,
  UpdateSpace: SPACE,
}
const DELETIONS: readonly string[] = ['DeleteNote', 'DeleteFile', 'DeleteSpace']
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function uuidBytes(value: unknown): Buffer {
  if (typeof value !== 'string' || !UUID.test(value)) throw new TypeError(`not a UUID: ${JSON.stringify(value)}`)
  return Buffer.from(value.replaceAll('-', ''), 'hex')
}

function timeBytes(text: string): Buffer {
  return Buffer.from(BigInt.asUintN(128, nanosOf(text)).toString(16).padStart(32, '0'), 'hex')
}

function fieldBytes(type: FieldType, value: unknown): Buffer {
  if (type === 'uuid') return uuidBytes(value)
  if (type === 'bool' && typeof value === 'boolean') return Buffer.of(value ? 1 : 0)
  if (typeof value !== 'string' || type === 'bool') throw new TypeError(`not a ${type}: ${JSON.stringify(value)}`)
  return type === 'time' ? timeBytes(value) : Buffer.from(value, 'utf8')
}

function payloadBytes(name: string, payload: unknown): readonly Buffer[] {
  const fields = OBJECTS[name]
  if (fields !== undefined) {
    return fields.map(([field, type]) => fieldBytes(type, (payload as Readonly<Record<string, unknown>> | null)?.[field]))
  }
  if (DELETIONS.includes(name)) return [uuidBytes(payload)]
  if (name !== 'SetNoteFiles' || !Array.isArray(payload)) throw new TypeError(`not an operation: ${name}`)
  const [note, files] = payload as [unknown, unknown]
  if (!Array.isArray(files)) throw new TypeError('SetNoteFiles without a list of files')
  return [uuidBytes(note), ...files.map(uuidBytes)]
}

/** The operation's name. */
export function nameOf(change: Change): string {
  const [name, ...others] = Object.keys(change)
  if (name === undefined || others.length > 0) throw new TypeError('an operation has exactly one name')
  return name
}

/** @throws TypeError or RangeError when it is not an operation that this client knows. */
export function checksumOf({ id, created_at, operation }: Operation): Buffer {
  const name = nameOf(operation)
  const hash = createHash('sha256').update(uuidBytes(id)).update(timeBytes(created_at)).update(name, 'utf8')
  for (const bytes of payloadBytes(name, Object.values(operation)[0])) hash.update(bytes)
  return hash.digest()
}

/** One hash for each run of `perBlock` checksums; the last run may be short. */
export function blocksOf(checksums: readonly Uint8Array[], perBlock: number): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = 0; at < checksums.length; at += perBlock) {
    const hash = createHash('sha256')
    for (const checksum of checksums.slice(at, at + perBlock)) hash.update(checksum)
    blocks.push(hash.digest())
  }
  return blocks
}
