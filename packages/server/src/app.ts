/**
 * The server as a function from request to answer. It holds no socket, no timer and no file: storage, clock,
 * randomness and scheduling are passed in, so it runs under Node's HTTP server (serve.ts) and inside a test alike.
 */
import { Hono } from 'hono'
import type { Gate } from '#auth/gate'
import { type Admission, createGateKeeper } from '#auth/gate-keeper'
import { createSecrets, type Hashing, nodeHashing } from '#auth/secrets'
import { createSessions } from '#auth/sessions'
import { createCodes } from '#codes'
import type { CreateDialect } from '#dialects/dialect'
import { dialectsByRoot } from '#dialects/roots'
import { type Answer, type Exchange, toResponse } from '#exchange'
import { createGroupCommit } from '#group-commit'
import { createGuesses } from '#guesses'
import { createLiveHub, type LiveHub } from '#live'
import { errorFields, type Logger, silentLogger } from '#log'
import { createMergeRoutes } from '#merging'
import { createMetrics, type Metrics } from '#metrics'
import { ProblemError, problemAnswer } from '#problems'
import { vaultRemoved } from '#refusals'
import { addAccountRoutes } from '#routes/account'
import { addCodeRoutes } from '#routes/codes'
import { addSegmentRoutes, SEGMENTS_PATH } from '#routes/segments'
import { addHomeRoute, addServerRoutes } from '#routes/server'
import { addShareRoutes } from '#routes/shares'
import { addVaultRoutes } from '#routes/vaults'
import { createSegmentRoutes } from '#segments'
import type { App, AppEnv, Bindings, Policy, Services } from '#services'
import { type Storage, StorageFullError, VaultRemovedError } from '#storage/storage'
import { nativeTerms, type RequestTerms } from '#terms'
import { createTidying } from '#tidying'
import { addWebRoutes, type WebFile } from '#web-app'

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
  /** None unless given. */
  readonly dialects?: readonly CreateDialect[]
  /** Stands before every route but those that say whether the server is up. */
  readonly gate?: Gate | undefined
  /** The web app. Without it `/` says that a server runs here. */
  readonly web?: readonly WebFile[] | undefined
  readonly crashPoint?: (name: string) => void
}

export interface ServerApp {
  /** Answers any request; never rejects. */
  fetch(request: Request, bindings?: Bindings): Promise<Response>
  /** Push and pull by the short way: the same answers as `fetch` gives. Undefined for any other route. Never rejects. */
  answer(method: string, path: string, exchange: Exchange): Promise<Answer> | undefined
  /** What holds for a request, by its method and its path without the query. */
  terms(method: string, path: string): RequestTerms
  /** Whether the gate lets a request pass, by its headers' lower-case names. Never rejects. */
  admit(header: (name: string) => string | undefined): Promise<Admission>
  /** The answer to a request that was refused, in the words of who asks. */
  refuse(path: string, problem: ProblemError): Response
  /** Method and path pattern of each route. */
  readonly routes: readonly { readonly method: string; readonly path: string }[]
  readonly live: LiveHub
  readonly metrics: Metrics
  /** To be called about once an hour: some of what is to be tidied up comes due by itself. */
  tidy(): void
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
  const { storage, policy, clock, random, schedule, logger = silentLogger, hashing = nodeHashing, gate } = options
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
  const tidying = createTidying({ storage, clock, schedule, onError: failed })
  const guesses = createGuesses({ storage, clock, hmac: secrets.keyed })
  const codes = createCodes({ clock, random })
  const crashPoint = options.crashPoint ?? (() => {})
  const services: Services = {
    storage,
    clock,
    secrets,
    sessions,
    guesses,
    codes,
    commits,
    tidying,
    live,
    metrics,
    logger,
    policy,
    crashPoint,
  }

  const dialects = (options.dialects ?? []).map((create) => create(services))
  const dialectOf = dialectsByRoot(dialects)
  const keeper = gate && createGateKeeper(gate, metrics)

  function problemOf(error: unknown): ProblemError {
    if (error instanceof ProblemError) return error
    if (error instanceof StorageFullError) return new ProblemError('storage-full', 'the server has no room left')
    if (error instanceof VaultRemovedError) return vaultRemoved()
    failed(error)
    return new ProblemError('server-error', 'something went wrong; the server has logged it')
  }

  function refuse(path: string, problem: ProblemError): Response {
    return dialectOf(path)?.answerProblem(problem) ?? toResponse(problemAnswer(problem))
  }

  async function admit(header: (name: string) => string | undefined): Promise<Admission> {
    return keeper?.(header).catch((error: unknown) => ({ refused: problemOf(error) })) ?? {}
  }

  const segments = createSegmentRoutes(services)
  const app: App = new Hono<AppEnv>()
  addSegmentRoutes(app, services, segments, createMergeRoutes(services, random))
  addVaultRoutes(app, services)
  addAccountRoutes(app, services)
  addShareRoutes(app, services)
  addCodeRoutes(app, services)
  addServerRoutes(app, services)
  for (const dialect of dialects) dialect.addRoutes(app)
  if (options.web) addWebRoutes(app, options.web)
  else addHomeRoute(app, services)
  const routes = app.routes.flatMap(({ method, path }) => (method === 'ALL' ? [] : [{ method, path }]))
  addMethodRefusals(app, routes)
  app.notFound(() => {
    throw new ProblemError('not-found', 'there is no such route')
  })
  app.onError((error, context) => refuse(context.req.path, problemOf(error)))

  function terms(method: string, path: string): RequestTerms {
    return dialectOf(path)?.terms(method, path) ?? nativeTerms(method, path)
  }

  function note(method: string, status: number, started: number): void {
    metrics.count('lockstep_requests_total', 1, { status })
    if (logger.level === 'debug') logger.debug('request', { method, status, milliseconds: clock() - started })
  }

  async function answerSegments(handle: (exchange: Exchange) => Promise<Answer>, method: string, exchange: Exchange) {
    const started = clock()
    const refused = keeper && (await admit(exchange.header)).refused
    const answer = refused ? problemAnswer(refused) : await handle(exchange).catch((error) => problemAnswer(problemOf(error)))
    note(method, answer.status, started)
    return answer
  }

  async function answerRequest(request: Request, path: string, bindings: Bindings): Promise<Response> {
    if (keeper && !terms(request.method, path).ungated) {
      const { refused } = await admit((name) => request.headers.get(name) ?? undefined)
      if (refused) return refuse(path, refused)
    }
    if (path.includes('%') && !decodes(path)) {
      return refuse(path, new ProblemError('bad-request', 'the path is not well encoded'))
    }
    return app.fetch(request, bindings)
  }

  // What a process that was killed has left undone.
  tidying.wake()
  return {
    async fetch(request, bindings = {}) {
      const path = pathOf(request.url)
      const started = clock()
      const response = await answerRequest(request, path, bindings)
      note(request.method, response.status, started)
      return response
    },
    answer(method, path, exchange) {
      if (path !== SEGMENTS_PATH) return undefined
      if (method === 'POST') return answerSegments(segments.push, method, exchange)
      if (method === 'GET') return answerSegments(segments.pull, method, exchange)
      return undefined
    },
    terms,
    admit,
    refuse,
    routes,
    live,
    metrics,
    tidy: tidying.wake,
    drained: commits.drained,
  }
}
