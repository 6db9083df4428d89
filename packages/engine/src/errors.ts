/** Expected failures of the engine. `code` is stable; the message says what happened and, where there is one, the remedy. */
export type EngineErrorCode =
  | 'unknown-table'
  | 'unknown-column'
  | 'bad-id'
  | 'bad-value'
  | 'value-too-large'
  | 'no-such-row'
  | 'row-exists'
  | 'nested-transaction'
  | 'async-transaction'
  | 'schema-invalid'
  | 'database-newer'
  | 'database-older'
  | 'not-signed-in'
  | 'needs-password'
  | 'already-signed-in'
  | 'wrong-vault'
  | 'wrong-credentials'
  | 'vault-header-forged'
  /** The vault was removed from its server: what is here stays, and is on no server. */
  | 'vault-removed'
  | 'sign-up-refused'
  | 'too-many-attempts'
  | 'offline'
  | 'gate-refused'
  | 'server-refused'
  | 'server-misbehaved'
  | 'server-diverged'
  | 'replica-conflict'
  | 'epoch-closed'
  | 'conflict'
  /** A code that was never given out, is used up or has expired. */
  | 'code-unknown'
  /** Not a public link, or not all of one. */
  | 'bad-link'
  /** Something is published on another server than the vault's. */
  | 'published-elsewhere'
  /** Nothing is published under a link, or no longer. */
  | 'share-gone'
  /** What is published under a link does not open with it. */
  | 'share-unreadable'
  | 'no-such-device'
  | 'device-revoked'
  | 'quota-exceeded'
  | 'storage-failed'
  | 'unexpected'
  | 'not-a-query'
  | 'cancelled'

export class EngineError extends Error {
  readonly code: EngineErrorCode
  /** Seconds to wait before another try, where the server said so. */
  readonly retryAfter: number | undefined

  constructor(code: EngineErrorCode, message: string, options: { readonly cause?: unknown; readonly retryAfter?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'EngineError'
    this.code = code
    this.retryAfter = options.retryAfter
  }
}
