/** Refusals in the words that diff·log's clients know: a status and a body with `error`. */
import { jsonResponse } from '#problems'

export interface RefusalParts {
  /** Members of the body beside `error`. */
  readonly extra?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** Thrown by handlers; the routing turns it into the answer. */
export class Refusal extends Error {
  readonly status: number
  readonly parts: RefusalParts
  constructor(status: number, error: string, parts: RefusalParts = {}) {
    super(error)
    this.name = 'Refusal'
    this.status = status
    this.parts = parts
  }

  toResponse(): Response {
    const response = jsonResponse({ error: this.message, ...this.parts.extra }, this.status)
    for (const [name, value] of Object.entries(this.parts.headers ?? {})) response.headers.set(name, value)
    return response
  }
}

const retryHeader = (seconds: number) => ({ 'retry-after': String(seconds) })

export const passwordRequired = (): Refusal => new Refusal(401, 'Password required')

export const profileNotFound = (): Refusal => new Refusal(404, 'Profile not found')

export function locked(seconds: number): Refusal {
  const extra = { locked: true, retry_after_seconds: seconds }
  return new Refusal(429, 'Account locked. Try again later.', { extra, headers: retryHeader(seconds) })
}

/** @param lockSeconds how long it is locked when no attempt remains */
export function wrongPassword(remaining: number, lockSeconds: number): Refusal {
  const lock = remaining === 0 ? { retry_after_seconds: lockSeconds } : {}
  return new Refusal(401, 'Invalid password', { extra: { attempts_remaining: remaining, ...lock } })
}

export function tooMany(what: string, seconds: number): Refusal {
  return new Refusal(429, `${what}. Try again later.`, { extra: { retry_after_seconds: seconds }, headers: retryHeader(seconds) })
}

export function itemTooLarge(field: string, bytes: number): Refusal {
  return new Refusal(413, `${field}: larger than the ${bytes} bytes this server takes`)
}

export function quotaExceeded(bytes: number): Refusal {
  return new Refusal(507, `The profile would be larger than the ${bytes} bytes this server keeps for each: nothing was stored`)
}
