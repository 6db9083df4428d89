/** Expected failures of importing and exporting. `code` is stable; the message says what to do. */
export type ImportErrorCode =
  | 'source-unreadable'
  | 'source-invalid'
  | 'destination-not-empty'
  | 'destination-unwritable'
  | 'cancelled'

export class ImportError extends Error {
  readonly code: ImportErrorCode

  constructor(code: ImportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ImportError'
    this.code = code
  }
}
