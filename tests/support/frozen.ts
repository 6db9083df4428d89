/**
 * Formats that others hold (on the wire, in a database, in an export) cannot change by accident: `tests/frozen.json` keeps
 * the SHA-256 of a description of each, and a test fails when the description's hash is another.
 *
 * A description is any JSON-like value that changes whenever the format does: the SQL of a schema, the bytes of a fixed
 * sample, a list of error codes, a JSON schema.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** An entry of `tests/frozen.json`. */
export interface Frozen {
  /** SHA-256 of the canonical JSON, hexadecimal. */
  readonly hash: string
  /** The format's version, as its code states it; from 1. */
  readonly version: number
  /** What the format is, or what changed with this version. */
  readonly note: string
}

const FILE = new URL('../frozen.json', import.meta.url)

/**
 * @param name The entry in `tests/frozen.json`.
 * @param value The description. Bytes, maps and sets are allowed.
 * @throws Error that says what to do, when the entry is absent or the hash is another.
 */
export function expectFrozen(name: string, value: unknown): void {
  compareFrozen(name, value, JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Frozen>)
}

export function compareFrozen(name: string, value: unknown, entries: Readonly<Record<string, Frozen>>): void {
  const hash = frozenHash(value)
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
  if (entry === undefined) {
    throw new Error(
      `${name} is not frozen yet. Add it to tests/frozen.json:\n  ${line(name, { hash, version: 1, note: 'what it is' })}`,
    )
  }
  if (entry.hash === hash) return
  throw new Error(
    `${name} is frozen at version ${entry.version} (${entry.note}) and has changed.\n` +
      'If that was not meant, undo it: data that people hold would no longer be read.\n' +
      'If it was: give the format a new version in its code and in docs/protocol.md, keep reading the old one, keep a sample of\n' +
      'the old one as a fixture, and then set in tests/frozen.json:\n' +
      `  ${line(name, { hash, version: entry.version + 1, note: 'what changed' })}`,
  )
}

function line(name: string, entry: Frozen): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(entry)}`
}

export function frozenHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/**
 * JSON with sorted keys and without white space. What JSON does not know is written as an object with one key: bytes as
 * `{"$bytes": hex}`, a map as `{"$map": entries}`, a set as `{"$set": members}`, an undefined as `{"$undefined": true}`.
 *
 * @throws TypeError for values that have no description: functions, symbols, numbers that are not finite, class instances.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return Object.is(value, -0) ? '-0' : JSON.stringify(value)
  if (typeof value === 'bigint') return `{"$bigint":"${value}"}`
  if (value === undefined) return '{"$undefined":true}'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value instanceof Uint8Array) return `{"$bytes":"${Buffer.from(value).toString('hex')}"}`
  if (value instanceof Map) return `{"$map":[${[...value].map(canonicalJson).sort().join(',')}]}`
  if (value instanceof Set) return `{"$set":[${[...value].map(canonicalJson).sort().join(',')}]}`
  if (typeof value === 'object' && isPlain(value)) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
  }
  throw new TypeError(`${String(value)} cannot be frozen: only data can`)
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
