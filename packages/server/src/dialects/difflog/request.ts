/** Reading a request: its body, whatever type it says it has, and the password that comes with it. */
import { decodeUtf8 } from '@lockstep/protocol/bytes'
import type { Context } from 'hono'
import type { z } from 'zod'
import { clientOf } from '#access'
import { describeIssue } from '#body'
import { bodyLimit, type DifflogLimits, MAX_LISTED, MAX_PARTS } from '#dialects/difflog/limits'
import type { Presented } from '#dialects/difflog/passwords'
import { passwordRequired, Refusal } from '#dialects/difflog/refusal'
import { passwordHashSchema } from '#dialects/difflog/schemas'
import { requestExchange } from '#exchange'
import { hasMoreParts } from '#json-parts'
import type { AppEnv, Services } from '#services'

export type RequestContext = Context<AppEnv>
export type Fields = Readonly<Record<string, unknown>>

/** What clients mean by "missing". */
export function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** @throws ProblemError `too-large`, `bad-request`; Refusal 400 */
export async function readFields(context: RequestContext, limits: DifflogLimits): Promise<Fields> {
  const bytes = await requestExchange(context.req.raw).body(bodyLimit(limits, context.req.path))
  if (hasMoreParts(bytes, MAX_PARTS)) throw new Refusal(400, `The body has more than ${MAX_PARTS} parts`)
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(bytes))
  } catch {
    throw new Refusal(400, 'The body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal(400, 'The body is not a JSON object')
  return value as Fields
}

/** Before each entry is looked at: a list of a million wrong ones would be a million things to say. @throws Refusal 400 */
function requireShortLists(fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'resolved_sources') continue
    if (name === 'profile' && typeof value === 'object' && value !== null) {
      for (const [inner, list] of Object.entries(value)) requireShort(`profile.${inner}`, list)
    }
    requireShort(name, value)
  }
}

function requireShort(name: string, value: unknown): void {
  if (Array.isArray(value) && value.length > MAX_LISTED) throw new Refusal(400, `${name}: at most ${MAX_LISTED} entries`)
}

/** @throws Refusal 400 that names the field */
export function parseFields<T>(schema: z.ZodType<T>, fields: Fields): T {
  requireShortLists(fields)
  const parsed = schema.safeParse(fields)
  if (!parsed.success) throw new Refusal(400, describeIssue(parsed.error))
  return parsed.data
}

/** A body that must carry the password. @throws ProblemError, Refusal */
export async function readWithPassword<T>(context: RequestContext, limits: DifflogLimits, schema: z.ZodType<T>): Promise<T> {
  const fields = await readFields(context, limits)
  if (isMissing(fields['password_hash'])) throw passwordRequired()
  return parseFields(schema, fields)
}

export function networkOf(services: Services, context: RequestContext): string {
  return clientOf(services, context).network
}

/** The password in the query. @throws Refusal */
export function presentedInQuery(services: Services, context: RequestContext): Presented {
  const given = context.req.query('password_hash')
  if (given === undefined || given === '') throw passwordRequired()
  const parsed = passwordHashSchema.safeParse(given)
  if (!parsed.success) throw new Refusal(400, `password_hash: ${describeIssue(parsed.error)}`)
  return { password: parsed.data, network: networkOf(services, context) }
}

/** A part of the path that the route's pattern has. */
export function pathPart(context: RequestContext, name: string): string {
  return context.req.param(name) ?? ''
}

/** Whether the body of the answer will be thrown away: such a request changes nothing. */
export function onlyLooks(context: RequestContext): boolean {
  return context.req.raw.method === 'HEAD'
}
