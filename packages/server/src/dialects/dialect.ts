/**
 * A dialect: the HTTP contract of somebody else's clients, spoken beside the protocol of our own. Its routes lie under path
 * segments that are its alone; whatever goes wrong under them is answered in its words.
 */
import type { ProblemError } from '#problems'
import type { App, Services } from '#services'

export const DIALECTS = ['dataans', 'difflog'] as const
export type DialectName = (typeof DIALECTS)[number]

export interface Dialect {
  readonly name: DialectName
  /** First segments of the paths that are its own, for instance `api`. */
  readonly roots: readonly string[]
  addRoutes(app: App): void
  /** The answer, in its own form, to what shared code refuses or a route throws. */
  answerProblem(problem: ProblemError): Response
}

/** Made with the server's services, once. */
export type CreateDialect = (services: Services) => Dialect
