/** JSON request bodies, checked against their schema [HTTP-3]. */
import { decodeUtf8 } from '@lockstep/protocol/bytes'
import type { z } from 'zod'
import { type Exchange, requireMediaType } from '#exchange'
import { ProblemError } from '#problems'

/** The first thing wrong, by the field's name; the value is not repeated, it may be a secret. */
export function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  const field = issue?.path.map(String).join('.')
  return `${field ? `${field}: ` : ''}${issue?.message ?? 'not as expected'}`
}

/** @throws ProblemError `unsupported-media-type`, `too-large`, `bad-json`, `bad-request` */
export async function readJson<T>(exchange: Exchange, schema: z.ZodType<T>, limit: number): Promise<T> {
  requireMediaType(exchange.header('content-type'), 'application/json')
  return parseJson(await exchange.body(limit), schema)
}

/** @throws ProblemError `bad-json`, `bad-request` */
export function parseJson<T>(bytes: Uint8Array, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(bytes))
  } catch {
    throw new ProblemError('bad-json', 'the body is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new ProblemError('bad-request', describeIssue(parsed.error))
  return parsed.data
}
