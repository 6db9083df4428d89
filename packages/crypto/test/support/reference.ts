/**
 * Sections 1 and 2 of docs/protocol.md written a second time, on node:crypto (OpenSSL) instead of the libraries that the package uses,
 * as literally as the page allows. What both agree on is the page's meaning, not one library's habit.
 */
import {
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  pbkdf2Sync,
} from 'node:crypto'

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
/** Memory of its own: Buffer's pool is shared. */
export const unhex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'hex'))
export const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'))

const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const integer = (value: number, bytes: number): Uint8Array => unhex(value.toString(16).padStart(bytes * 2, '0'))
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
const hkdf = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', ikm, salt, info, length))

export function rootPbkdf2(password: string, passphrase: string): Uint8Array {
  return new Uint8Array(pbkdf2Sync(sha256(ascii(password)), sha256(ascii(passphrase)), 1_200_000, 32, 'sha256'))
}

export function rootArgon2id(password: string, salt: Uint8Array): Uint8Array {
  const parameters = { message: ascii(password), nonce: salt, parallelism: 1, tagLength: 32, memory: 65_536, passes: 3 }
  return new Uint8Array(argon2Sync('argon2id', parameters))
}

/** `epoch` for what comes from a vault key. */
export function subkey(key: Uint8Array, purpose: string, vaultId: Uint8Array, epoch?: number): Uint8Array {
  const info = join(ascii(`lockstep/v1/${purpose}`), vaultId, epoch === undefined ? new Uint8Array(0) : integer(epoch, 4))
  return hkdf(key, new Uint8Array(0), info, 32)
}

export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  const pkcs8 = join(unhex('302e020100300506032b656e04220420'), privateKey)
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
}

/** Padmé as its authors give it in Python, with exact logarithms from the binary notation. */
export function padded(content: Uint8Array): Uint8Array {
  const length = content.length + 1
  const exponent = length.toString(2).length - 1
  const significant = exponent === 0 ? 0 : exponent.toString(2).length
  const mask = (1n << BigInt(Math.max(exponent - significant, 0))) - 1n
  const padme = Number((BigInt(length) + mask) & ~mask)
  return join(content, Uint8Array.of(0x80), new Uint8Array(Math.max(padme, 256) - length))
}

export function messageKey(sealingKey: Uint8Array, salt: Uint8Array): { commitment: Uint8Array; key: Uint8Array } {
  const bytes = hkdf(sealingKey, salt, ascii('lockstep/v1/envelope'), 64)
  return { commitment: bytes.slice(0, 32), key: bytes.slice(32) }
}

/** AES-256-GCM with 12 zero bytes as nonce. `plaintext` as it is: not padded here. */
export function gcm(key: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, new Uint8Array(12)).setAAD(aad)
  return join(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

/** The other way round, without our envelope. @throws when the tag does not fit */
export function gcmOpen(key: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, new Uint8Array(12)).setAAD(aad).setAuthTag(ciphertext.subarray(-16))
  return join(decipher.update(ciphertext.subarray(0, -16)), decipher.final())
}

/** An envelope around `plaintext`, which is expected to be padded. */
export function sealPadded(sealingKey: Uint8Array, salt: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const { commitment, key } = messageKey(sealingKey, salt)
  return join(Uint8Array.of(1), salt, commitment, gcm(key, aad, plaintext))
}

export function sealed(sealingKey: Uint8Array, salt: Uint8Array, aad: Uint8Array, content: Uint8Array): Uint8Array {
  return sealPadded(sealingKey, salt, aad, padded(content))
}

export interface SegmentFields {
  readonly kind: number
  readonly vaultId: Uint8Array
  readonly replica: Uint8Array
  readonly counter: number
  readonly epoch: number
}

export function segmentAad({ kind, vaultId, replica, counter, epoch }: SegmentFields): Uint8Array {
  return join(ascii('lockstep/v1/segment'), integer(kind, 1), vaultId, replica, integer(counter, 8), integer(epoch, 4))
}

export interface BundleFields {
  readonly suite: string
  readonly salt: Uint8Array
  readonly vaultId: Uint8Array
  readonly name: string
  readonly version: number
}

export function bundleAad({ suite, salt, vaultId, name, version }: BundleFields): Uint8Array {
  const pbkdf2 = suite === 'pbkdf2-sha256-1200000'
  return join(
    ascii('lockstep/v1/bundle'),
    integer(pbkdf2 ? 1 : 2, 1),
    pbkdf2 ? new Uint8Array(16) : salt,
    vaultId,
    integer(version, 4),
    integer(ascii(name).length, 1),
    ascii(name),
  )
}

export const shareAad = (id: Uint8Array): Uint8Array => join(ascii('lockstep/v1/share'), id)

export function bundleContent(epochs: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  return join(Uint8Array.of(1), integer(epochs.length, 2), ...epochs.flatMap(([epoch, key]) => [integer(epoch, 4), key]))
}

export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const secret = join(unhex('302e020100300506032b656e04220420'), privateKey)
  const other = join(unhex('302a300506032b656e032100'), publicKey)
  const shared = diffieHellman({
    privateKey: createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' }),
    publicKey: createPublicKey({ key: Buffer.from(other), format: 'der', type: 'spki' }),
  })
  return new Uint8Array(shared)
}

export const deviceId = (publicKey: Uint8Array): Uint8Array => sha256(join(ascii('lockstep/v1/device'), publicKey)).slice(0, 16)

export interface GrantFields {
  readonly vaultId: Uint8Array
  readonly epoch: number
  readonly recipientDevice: Uint8Array
  readonly authorDevice: Uint8Array
  readonly ephemeralKey: Uint8Array
  readonly recipientKey: Uint8Array
}

/** A grant's AAD, which is the info of its key. */
export function grantInfo(fields: GrantFields): Uint8Array {
  const { vaultId, epoch, recipientDevice, authorDevice, ephemeralKey, recipientKey } = fields
  return join(ascii('lockstep/v1/grant'), vaultId, integer(epoch, 4), recipientDevice, authorDevice, ephemeralKey, recipientKey)
}

export const grantKey = (ephemeralSecret: Uint8Array, authorSecret: Uint8Array, info: Uint8Array): Uint8Array =>
  hkdf(join(ephemeralSecret, authorSecret), new Uint8Array(0), info, 32)

export function rotationAad(vaultId: Uint8Array, epoch: number): Uint8Array {
  return join(ascii('lockstep/v1/rotation'), vaultId, integer(epoch, 4))
}

export function proof(vaultKey: Uint8Array, vaultId: Uint8Array, epoch: number, claims: Uint8Array): Uint8Array {
  const info = join(ascii('lockstep/v1/proof'), vaultId, integer(epoch, 4), sha256(claims))
  return hkdf(vaultKey, new Uint8Array(0), info, 32)
}

export interface RotationFields {
  readonly authorKey: Uint8Array
  readonly bundleVersion: number
  readonly head: number
  /** Each list ascending. */
  readonly revoked: readonly Uint8Array[]
  readonly closes: readonly { readonly replica: Uint8Array; readonly counter: number }[]
  readonly grants: readonly { readonly device: Uint8Array; readonly ephemeralKey: Uint8Array; readonly sealed: Uint8Array }[]
}

/** A rotation record's content without its proof. */
export function rotationClaims({ authorKey, bundleVersion, head, revoked, closes, grants }: RotationFields): Uint8Array {
  return join(
    Uint8Array.of(1),
    authorKey,
    integer(bundleVersion, 4),
    integer(head, 8),
    integer(revoked.length, 2),
    ...revoked,
    integer(closes.length, 4),
    ...closes.flatMap(({ replica, counter }) => [replica, integer(counter, 8)]),
    integer(grants.length, 2),
    ...grants.flatMap(({ device, ephemeralKey, sealed }) => [device, ephemeralKey, sealed]),
  )
}
