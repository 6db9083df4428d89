/**
 * Every expected failure of this package. Nothing that comes from outside (a server's answer, a stored file, a typed
 * passphrase) makes it throw anything else.
 */

export type CryptoErrorCode =
  /** A sealed message or key bundle of a version that this release does not know: the other side is newer. */
  | 'unknown-version'
  /** Fewer bytes than the format's smallest message. */
  | 'truncated'
  /** The sealing key is not the one the message was sealed with (or its first 65 bytes were altered). */
  | 'bad-commitment'
  /** The key is right, but the ciphertext or what it is bound to (AAD) was altered. */
  | 'bad-ciphertext'
  /** Authentic, but not padded as [ENV-4] says: made by a faulty client. */
  | 'bad-padding'
  /** Authentic, but not a key bundle: made by a faulty client. */
  | 'malformed-bundle'
  /** Authentic, but not a rotation record: made by a faulty client. */
  | 'malformed-rotation'
  /** A rotation record that nobody made who knew the new epoch's key. */
  | 'bad-proof'
  /** A public key that is not its device's, or that makes every shared secret zero. */
  | 'bad-public-key'
  /** A key derivation suite outside the closed list [KEY-5]. */
  | 'unknown-suite'
  /** The suite needs a passphrase and the person gave none. */
  | 'passphrase-required'
  /** The person has a passphrase and the suite would not use it: a downgrade. */
  | 'passphrase-unused'
  /** An empty password. */
  | 'password-required'
  /** The platform lacks WebCrypto or WebAssembly, or they failed. */
  | 'unavailable'
  /** A key, id, salt or number that cannot be one: wrong size or range. */
  | 'bad-argument'

/** `code` is stable and meant for programs; the message is for people and never holds a secret. */
export class CryptoError extends Error {
  readonly code: CryptoErrorCode
  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CryptoError'
    this.code = code
  }
}
