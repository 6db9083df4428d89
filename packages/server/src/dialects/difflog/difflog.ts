/**
 * The diff·log dialect: what existing diff·log clients (web app 4.x, command line 1.x) speak, under `/api`. Many profiles, each with
 * its own password; the server sees sealed rows, settings and public diffs. docs/dialects/difflog.md is for those who run it, decision
 * record 0014 says why it differs where it does.
 *
 * | file | what it decides |
 * | --- | --- |
 * | passwords.ts | who may do something with a profile, and in which order refusals come |
 * | lockout.ts, recently-right.ts | how many wrong passwords are borne, and who is not counted |
 * | slow-hash.ts | how passwords are stored |
 * | #storage/difflog-rules | which hash a collection has, which diffs are dropped |
 * | schemas.ts, limits.ts | what a request may hold |
 */

import { PROBLEMS } from '@lockstep/protocol/http'
import type { CreateDialect } from '#dialects/dialect'
import { addCodeRoutes } from '#dialects/difflog/code-routes'
import { addContentRoutes } from '#dialects/difflog/content-routes'
import { bodyLimit, DEFAULT_LIMITS, type DifflogLimits } from '#dialects/difflog/limits'
import { createLockout, DEFAULT_LOCKOUT, type LockoutRule } from '#dialects/difflog/lockout'
import { createPasswords } from '#dialects/difflog/passwords'
import { addProfileRoutes } from '#dialects/difflog/profile-routes'
import { addPublicRoutes } from '#dialects/difflog/public-routes'
import { createRecentlyRight } from '#dialects/difflog/recently-right'
import { Refusal } from '#dialects/difflog/refusal'
import { addRouting, createRoute } from '#dialects/difflog/routing'
import { createSlowHash, type SlowHashOptions } from '#dialects/difflog/slow-hash'
import type { ProblemError } from '#problems'

export interface DifflogOptions {
  readonly limits?: Partial<DifflogLimits>
  readonly lockout?: Partial<LockoutRule>
  /** Origins other than the server's own whose pages may ask. None unless given. */
  readonly allowedOrigins?: readonly string[]
  /** For tests: fewer iterations, a derivation that counts. */
  readonly slowHash?: SlowHashOptions
}

/** A 401 would make clients drop a password that is right. */
function statusOf({ code }: ProblemError): number {
  return code === 'gate-refused' ? 403 : PROBLEMS[code]
}

export function createDifflog(options: DifflogOptions = {}): CreateDialect {
  return (services) => {
    const limits = { ...DEFAULT_LIMITS, ...options.limits }
    const rule = { ...DEFAULT_LOCKOUT, ...options.lockout }
    const { storage, guesses, clock } = services
    const passwords = createPasswords({
      store: storage.difflog,
      slowHash: createSlowHash(options.slowHash),
      lockout: createLockout({ rule, storage, guesses, clock }),
      recentlyRight: createRecentlyRight(clock),
      lockSeconds: rule.lockSeconds,
    })
    return {
      name: 'difflog',
      roots: ['api'],
      addRoutes(app) {
        addRouting(app, options.allowedOrigins ?? [])
        const tools = { services, limits, passwords, route: createRoute(app) }
        addProfileRoutes(tools)
        addContentRoutes(tools)
        addPublicRoutes(tools)
        addCodeRoutes(tools)
      },
      terms: (_method, path) => ({ bodyBytes: bodyLimit(limits, path) }),
      answerProblem: (problem) => new Refusal(statusOf(problem), problem.message, problem.parts).toResponse(),
    }
  }
}
