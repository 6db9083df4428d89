/** Expected failures of the operations in this package. `code` is stable; the message says what to do. */
export type ModelErrorCode =
  | 'no-such-space'
  | 'no-such-note'
  | 'no-such-diff'
  | 'no-such-star'
  | 'no-such-publication'
  | 'no-such-paragraph'
  | 'no-such-version'
  | 'ambiguous'
  | 'space-exists'
  | 'not-deleted'
  | 'bad-name'
  | 'bad-date'
  | 'bad-provider'

export class ModelError extends Error {
  readonly code: ModelErrorCode

  constructor(code: ModelErrorCode, message: string) {
    super(message)
    this.name = 'ModelError'
    this.code = code
  }
}
