/** Expected failures of importing and exporting. `code` is stable; the message says what to do. */
export type ImportErrorCode =
  | 'source-unreadable'
  | 'source-invalid'
  | 'destination-not-empty'
  | 'destination-unwritable'
  | 'cancelled'
  /** The password, or the passphrase, is not the one that the source was sealed with. */
  | 'wrong-password'
  /** The server answered, and said no. */
  | 'source-refused'

export class ImportError extends Error {
  readonly code: ImportErrorCode

  constructor(code: ImportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ImportError'
    this.code = code
  }
}
