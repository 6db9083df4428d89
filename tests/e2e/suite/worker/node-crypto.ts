/** Of `node:crypto`, what tests use to look at results. What checks the cryptography itself is Node's own, and asked of it. */
import { sha256 } from '@noble/hashes/sha2.js'
import { askNode } from './ask-node.ts'
import { Buffer } from './buffer.ts'

/** Longest array that `getRandomValues` fills. */
const MAX_RANDOM = 65_536

export function randomBytes(length: number): Buffer {
  const bytes = new Buffer(length)
  for (let i = 0; i < length; i += MAX_RANDOM) crypto.getRandomValues(bytes.subarray(i, i + MAX_RANDOM))
  return bytes
}

function onlySha256(algorithm: string): void {
  if (algorithm !== 'sha256') throw new TypeError(`the hash ${algorithm} is not known here`)
}

export function createHash(algorithm: string) {
  onlySha256(algorithm)
  const hash = sha256.create()
  return {
    update(data: string | Uint8Array) {
      hash.update(typeof data === 'string' ? Buffer.from(data) : data)
      return this
    },
    digest(encoding?: string): string | Buffer {
      const digest = Buffer.from(hash.digest())
      return encoding === undefined ? digest : digest.toString(encoding)
    },
  }
}

export function hash(algorithm: string, data: string | Uint8Array, encoding = 'hex'): string | Buffer {
  return createHash(algorithm)
    .update(data)
    .digest(encoding === 'buffer' ? undefined : encoding)
}

const asked =
  (name: string) =>
  (...args: unknown[]): Buffer =>
    Buffer.from(askNode(name, ...args) as Uint8Array)

export const argon2Sync = asked('crypto.argon2Sync')
export const hkdfSync = asked('crypto.hkdfSync')
export const pbkdf2Sync = asked('crypto.pbkdf2Sync')

/** AES-GCM in one piece: Node is asked at the end, when it has all. */
class Gcm {
  readonly #direction: 'seal' | 'open'
  readonly #key: Uint8Array
  readonly #nonce: Uint8Array
  #aad = new Uint8Array()
  #tag = new Uint8Array()
  readonly #data: Uint8Array[] = []

  constructor(direction: 'seal' | 'open', key: Uint8Array, nonce: Uint8Array) {
    this.#direction = direction
    this.#key = key
    this.#nonce = nonce
  }
  setAAD(aad: Uint8Array): this {
    this.#aad = Uint8Array.from(aad)
    return this
  }
  setAuthTag(tag: Uint8Array): this {
    this.#tag = Uint8Array.from(tag)
    return this
  }
  update(data: Uint8Array): Buffer {
    this.#data.push(data)
    return new Buffer(0)
  }
  final(): Buffer {
    const [key, nonce, aad, data] = [this.#key, this.#nonce, this.#aad, Buffer.concat(this.#data)]
    if (this.#direction === 'open') return asked('openGcm')(key, nonce, aad, data, this.#tag)
    const [sealed, tag] = askNode('sealGcm', key, nonce, aad, data) as [Uint8Array, Uint8Array]
    this.#tag = Uint8Array.from(tag)
    return Buffer.from(sealed)
  }
  getAuthTag(): Buffer {
    return Buffer.from(this.#tag)
  }
}

export const createCipheriv = (_algorithm: 'aes-256-gcm', key: Uint8Array, nonce: Uint8Array): Gcm => new Gcm('seal', key, nonce)
export const createDecipheriv = (_algorithm: 'aes-256-gcm', key: Uint8Array, nonce: Uint8Array): Gcm => new Gcm('open', key, nonce)

/** A key in DER; Node makes its object of it when it is used. */
interface Der {
  readonly key: Uint8Array
  readonly format: 'der'
  readonly type: string
}

export const createPrivateKey = (key: Der): Der => key
export const createPublicKey = (key: Der) => ({
  ...key,
  export: (): Buffer => asked('publicKeyOf')(key),
})
export const diffieHellman = ({ privateKey, publicKey }: { privateKey: Der; publicKey: Der }): Buffer => {
  const { key, format, type } = publicKey
  return asked('agree')(privateKey, { key, format, type })
}
