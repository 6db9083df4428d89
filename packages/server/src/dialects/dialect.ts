/**
 * A dialect: the HTTP contract of somebody else's clients, spoken beside the protocol of our own. Its routes lie under path
 * segments that are its alone; whatever goes wrong under them is answered in its words.
 */
import type { ProblemError } from '#problems'
import type { App, Services } from '#services'
import type { RequestTerms } from '#terms'

export const DIALECTS = ['dataans', 'difflog'] as const
export type DialectName = (typeof DIALECTS)[number]

export interface Dialect {
  readonly name: DialectName
  /** First segments of the paths that are its own, for instance `api`. */
  readonly roots: readonly string[]
  /**
   * A path gets its 405 and `Allow` by itself; a route for all methods (`app.all`, `app.use`) counts as part of none. What answers
   * GET answers HEAD too, and its body is thrown away unread: a handler opens nothing for a HEAD.
   */
  addRoutes(app: App): void
  /** Of any path under its roots, routed or not. @param path as it was sent, without the query */
  terms(method: string, path: string): RequestTerms
  /** The answer, in its own form, to what shared code refuses or a route throws. */
  answerProblem(problem: ProblemError): Response
}

/** Made with the server's services, once. */
export type CreateDialect = (services: Services) => Dialect
