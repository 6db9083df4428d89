/**
 * Values as JSON between a worker and Node: bytes, maps and addresses are written as objects with one key; undefined members are
 * left out. Many zeros are told by their number: tests of bombs have 64 MiB of them.
 */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain }

const CHUNK = 0x8000
const MANY = 1024 * 1024

function base64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(binary)
}

/** @throws TypeError for what is not data */
export function toPlain(value: unknown): Plain {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (value === undefined) return { $undefined: true }
  if (value instanceof Uint8Array && value.length > MANY && value.every((byte) => byte === 0)) return { $zeros: value.length }
  if (value instanceof Uint8Array) return { $bytes: base64(value) }
  if (value instanceof URL) return value.href.startsWith('file:') ? { $file: value.href } : value.href
  if (value instanceof Map) return { $map: [...value].map(toPlain) }
  if (Array.isArray(value)) return value.map(toPlain)
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, toPlain(item)]])))
  }
  throw new TypeError(`${String(value)} cannot be sent: only data can`)
}

export function fromPlain(value: Plain): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromPlain)
  const object = value as { readonly [key: string]: Plain }
  if ('$undefined' in object) return undefined
  if ('$bytes' in object) return Uint8Array.from(atob(object['$bytes'] as string), (letter) => letter.charCodeAt(0))
  if ('$zeros' in object) return new Uint8Array(object['$zeros'] as number)
  if ('$file' in object) return new URL(object['$file'] as string)
  if ('$map' in object) return new Map((object['$map'] as readonly Plain[]).map((entry) => fromPlain(entry) as [unknown, unknown]))
  return Object.fromEntries(Object.entries(object).map(([key, item]) => [key, fromPlain(item)]))
}
