/** The dialect's errors: a status that its clients look at, and a sentence for people. */
import { PROBLEMS } from '@lockstep/protocol/http'
import type { ProblemError } from '#problems'

export function errorAnswer(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Response {
  const own = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return new Response(JSON.stringify({ error }), { status, headers: { ...headers, ...own } })
}

export function problemAsError({ code, message, parts }: ProblemError): Response {
  return errorAnswer(PROBLEMS[code], message, parts.headers)
}

/** 200 and nothing more. */
export function done(): Response {
  return new Response(null, { headers: { 'content-length': '0', 'cache-control': 'no-store' } })
}
