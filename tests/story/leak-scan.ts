/**
 * Looks for readable pieces of secrets in bytes that a server holds or sees: every 16-byte window of every secret text.
 * Exact and quick: a rolling hash and a bitmap leave few candidates, which are then compared byte for byte.
 */

const WINDOW = 16
const FACTOR = 0x01000193
/** FACTOR to the power of WINDOW: what a byte that leaves the window was multiplied with. */
const LEAVING = Array.from({ length: WINDOW }).reduce<number>((product) => Math.imul(product, FACTOR), 1)
/** 2^26 bits, 8 MiB: some per cent of false candidates at a few megabytes. */
const BITS = 26

function forEachWindow(bytes: Uint8Array, visit: (hash: number, at: number) => void): void {
  let hash = 0
  for (let i = 0; i < bytes.length; i++) {
    hash = (Math.imul(hash, FACTOR) + (bytes[i] as number)) | 0
    if (i >= WINDOW) hash = (hash - Math.imul(LEAVING, bytes[i - WINDOW] as number)) | 0
    if (i >= WINDOW - 1) visit(Math.imul(hash, 0x9e3779b1) >>> (32 - BITS), i - WINDOW + 1)
  }
}

class Bitmap {
  readonly #bits = new Uint32Array(2 ** (BITS - 5))
  add(hash: number): void {
    this.#bits[hash >>> 5] = (this.#bits[hash >>> 5] as number) | (1 << (hash & 31))
  }
  has(hash: number): boolean {
    return ((this.#bits[hash >>> 5] as number) & (1 << (hash & 31))) !== 0
  }
}

const windowAt = (bytes: Uint8Array, at: number) => Buffer.from(bytes.buffer, bytes.byteOffset + at, WINDOW).toString('latin1')

/** The 16-byte windows (as Latin-1) that stand both in a secret and in one of the heaps. */
export function sharedWindows(secrets: readonly Uint8Array[], heaps: readonly Uint8Array[]): Set<string> {
  const inHeaps = new Bitmap()
  for (const heap of heaps) forEachWindow(heap, (hash) => inHeaps.add(hash))
  const candidates = new Set<string>()
  const inCandidates = new Bitmap()
  for (const secret of secrets) {
    forEachWindow(secret, (hash, at) => {
      if (!inHeaps.has(hash)) return
      candidates.add(windowAt(secret, at))
      inCandidates.add(hash)
    })
  }
  const found = new Set<string>()
  for (const heap of heaps) {
    forEachWindow(heap, (hash, at) => {
      if (!inCandidates.has(hash)) return
      const window = windowAt(heap, at)
      if (candidates.has(window)) found.add(window)
    })
  }
  return found
}

/** Of `words`, those that stand somewhere in the heaps with no letter, digit or underscore beside them. */
export function wholeWords(words: readonly string[], heaps: readonly Uint8Array[]): Set<string> {
  const found = new Set<string>()
  for (const heap of heaps) {
    const text = Buffer.from(heap.buffer, heap.byteOffset, heap.length).toString('latin1')
    for (const word of words) {
      const latin1 = Buffer.from(word).toString('latin1')
      for (let at = text.indexOf(latin1); at >= 0; at = text.indexOf(latin1, at + 1)) {
        const beside = `${text[at - 1] ?? ' '}${text[at + latin1.length] ?? ' '}`
        if (!/\w/.test(beside)) found.add(word)
      }
    }
  }
  return found
}

/** Of named byte strings, the names of those that stand in the heaps as they are or in a usual text form. */
export function spelledOut(keys: ReadonlyMap<string, Uint8Array>, heaps: readonly Uint8Array[]): Set<string> {
  const found = new Set<string>()
  for (const [name, key] of keys) {
    const bytes = Buffer.from(key)
    const forms = [
      bytes,
      ...[
        bytes.toString('hex'),
        bytes.toString('hex').toUpperCase(),
        bytes.toString('base64').replace(/=+$/, ''),
        bytes.toString('base64url'),
      ].map((form) => Buffer.from(form)),
    ]
    if (heaps.some((heap) => forms.some((form) => Buffer.from(heap.buffer, heap.byteOffset, heap.length).includes(form))))
      found.add(name)
  }
  return found
}
