/** What the dialect's routes work with. */
import type { DifflogLimits } from '#dialects/difflog/limits'
import type { Passwords } from '#dialects/difflog/passwords'
import type { RequestContext } from '#dialects/difflog/request'
import type { Services } from '#services'

export type Handler = (context: RequestContext) => Promise<Response>

export interface Tools {
  readonly services: Services
  readonly limits: DifflogLimits
  readonly passwords: Passwords
  /** Adds a route whose refusals are answered in the dialect's words. */
  route(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, handler: Handler): void
}
