/**
 * The server as a function from request to answer. It holds no socket, no timer and no file: storage, clock,
 * randomness and scheduling are passed in, so it runs under Node's HTTP server (serve.ts) and inside a test alike.
 */
import { Hono } from 'hono'
import { createSecrets, type Hashing, nodeHashing } from '#auth/secrets'
import { createSessions } from '#auth/sessions'
import { type Answer, type Exchange, toResponse } from '#exchange'
import { createGroupCommit } from '#group-commit'
import { createGuesses } from '#guesses'
import { createLiveHub, type LiveHub } from '#live'
import { errorFields, type Logger, silentLogger } from '#log'
import { createMergeRoutes } from '#merging'
import { createMetrics, type Metrics } from '#metrics'
import { ProblemError, problemAnswer } from '#problems'
import { addAccountRoutes } from '#routes/account'
import { addSegmentRoutes, SEGMENTS_PATH } from '#routes/segments'
import { addServerRoutes } from '#routes/server'
import { addVaultRoutes } from '#routes/vaults'
import { createSegmentRoutes } from '#segments'
import type { App, AppEnv, Bindings, Policy, Services } from '#services'
import { type Storage, StorageFullError } from '#storage/storage'
import { createTidying } from '#tidying'

export interface AppOptions {
  readonly storage: Storage
  readonly policy: Policy
  /** Unix milliseconds. */
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  /** Runs a function once what is ready to be read has been read: `setImmediate` in a server, anything in a test. */
  readonly schedule: (run: () => void) => void
  readonly logger?: Logger
  readonly hashing?: Hashing
  readonly crashPoint?: (name: string) => void
}

export interface ServerApp {
  /** Answers any request; never rejects. */
  fetch(request: Request, bindings?: Bindings): Promise<Response>
  /** Push and pull by the short way: the same answers as `fetch` gives. Undefined for any other route. Never rejects. */
  answer(method: string, path: string, exchange: Exchange): Promise<Answer> | undefined
  /** Method and path pattern of each route. */
  readonly routes: readonly { readonly method: string; readonly path: string }[]
  readonly live: LiveHub
  readonly metrics: Metrics
  /** Resolves when every push that was accepted has been answered. */
  drained(): Promise<void>
}

function decodes(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?', start)
  return url.slice(start, query === -1 ? undefined : query)
}

/** For each path, every method without a route is answered with 405 and the list of those that have one. */
function addMethodRefusals(app: App, routes: ServerApp['routes']): void {
  const methods = new Map<string, string[]>()
  for (const { method, path } of routes) methods.set(path, [...(methods.get(path) ?? []), method])
  for (const [path, own] of methods) {
    const allow = own.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
    app.all(path, () => {
      throw new ProblemError('method-not-allowed', `this route takes ${allow}`, { headers: { allow } })
    })
  }
}

export function createApp(options: AppOptions): ServerApp {
  const { storage, policy, clock, random, schedule, logger = silentLogger, hashing = nodeHashing } = options
  const metrics = createMetrics()
  const failed = (error: unknown) => {
    metrics.count('lockstep_errors_total')
    logger.error('unexpected-error', errorFields(error))
  }
  const secrets = createSecrets({ hashing, serverSecret: storage.secret, random })
  const sessions = createSessions({ storage, secrets, clock })
  const live = createLiveHub({ storage, authenticate: sessions.ofToken, onError: failed })
  sessions.onEnd(live.endSession)
  metrics.gauge('lockstep_live_connections', 'Open live sockets.', () => live.size)
  const commits = createGroupCommit({
    storage,
    schedule,
    announce: live.announce,
    committed(pushes) {
      metrics.count('lockstep_commits_total')
      metrics.count('lockstep_commit_pushes_total', pushes)
    },
  })
  const tidying = createTidying({ storage, schedule, onError: failed })
  const guesses = createGuesses({ storage, clock, hmac: secrets.keyed })
  const crashPoint = options.crashPoint ?? (() => {})
  const services: Services = {
    storage,
    clock,
    secrets,
    sessions,
    guesses,
    commits,
    tidying,
    live,
    metrics,
    logger,
    policy,
    crashPoint,
  }

  function answerError(error: unknown): Answer {
    if (error instanceof ProblemError) return problemAnswer(error)
    if (error instanceof StorageFullError) return problemAnswer(new ProblemError('storage-full', 'the server has no room left'))
    failed(error)
    return problemAnswer(new ProblemError('server-error', 'something went wrong; the server has logged it'))
  }

  const segments = createSegmentRoutes(services)
  const app: App = new Hono<AppEnv>()
  addSegmentRoutes(app, services, segments, createMergeRoutes(services, random))
  addVaultRoutes(app, services)
  addAccountRoutes(app, services)
  addServerRoutes(app, services)
  const routes = app.routes.map(({ method, path }) => ({ method, path }))
  addMethodRefusals(app, routes)
  app.notFound(() => {
    throw new ProblemError('not-found', 'there is no such route')
  })
  app.onError((error) => toResponse(answerError(error)))

  function note(method: string, status: number, started: number): void {
    metrics.count('lockstep_requests_total', 1, { status })
    if (logger.level === 'debug') logger.debug('request', { method, status, milliseconds: clock() - started })
  }

  async function answerSegments(handle: (exchange: Exchange) => Promise<Answer>, method: string, exchange: Exchange) {
    const started = clock()
    const answer = await handle(exchange).catch(answerError)
    note(method, answer.status, started)
    return answer
  }

  // What a process that was killed has left undone.
  tidying.wake()
  return {
    async fetch(request, bindings = {}) {
      const path = pathOf(request.url)
      const started = clock()
      const response =
        path.includes('%') && !decodes(path)
          ? toResponse(problemAnswer(new ProblemError('bad-request', 'the path is not well encoded')))
          : await app.fetch(request, bindings)
      note(request.method, response.status, started)
      return response
    },
    answer(method, path, exchange) {
      if (path !== SEGMENTS_PATH) return undefined
      if (method === 'POST') return answerSegments(segments.push, method, exchange)
      if (method === 'GET') return answerSegments(segments.pull, method, exchange)
      return undefined
    },
    routes,
    live,
    metrics,
    drained: commits.drained,
  }
}
