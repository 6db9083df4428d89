/** Error answers: RFC 9457 problems with the protocol's stable codes [HTTP-1]. */
import { PROBLEMS, type Problem, type ProblemCode } from '@lockstep/protocol/http'

export interface ProblemParts {
  /** Members beyond RFC 9457's, as the code defines them. */
  readonly extra?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** Thrown by routes; the app turns it into the answer. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly parts: ProblemParts
  constructor(code: ProblemCode, detail: string, parts: ProblemParts = {}) {
    super(detail)
    this.name = 'ProblemError'
    this.code = code
    this.parts = parts
  }
}

function problemBody(code: ProblemCode, detail: string, extra: ProblemParts['extra'] = {}): Problem {
  const title = `${code.charAt(0).toUpperCase()}${code.slice(1).replaceAll('-', ' ')}`
  return { type: `urn:lockstep:problem:${code}`, title, status: PROBLEMS[code], code, detail, ...extra }
}

export interface ProblemAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function problemAnswer({ code, message, parts: { extra, headers } }: ProblemError): ProblemAnswer {
  return {
    status: PROBLEMS[code],
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: JSON.stringify(problemBody(code, message, extra)),
  }
}

export function jsonResponse(body: unknown, status = 200): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return new Response(JSON.stringify(body), { status, headers })
}
