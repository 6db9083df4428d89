/**
 * A running server: the app behind Node's HTTP or HTTPS, its database in a folder, its live sockets.
 *
 * Closing is orderly: no new connection, requests under way are answered, live sockets are told 1001, the database is
 * closed last. Killing it is safe at any moment; that is the database's promise, not this file's.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createApp } from '#app'
import { configuredGate } from '#auth/configured-gate'
import type { Gate } from '#auth/gate'
import { createLoopbackGate } from '#auth/loopback-gate'
import { ConfigError, isWithoutGate, NO_WEB_APP, parseConfig, type ServerConfig, type ServerOptions } from '#config'
import { configuredDialects } from '#dialects/configured-dialects'
import type { CreateDialect } from '#dialects/dialect'
import { limitsWith } from '#limits'
import { type LiveServer, serveLive } from '#live-socket'
import { createLogger, errorFields, type Logger } from '#log'
import { isBeyondLoopback, parseTrustedProxies } from '#network'
import { serveApp } from '#node-http'
import manifest from '#package' with { type: 'json' }
import { readWebFolder } from '#serve/web-folder'
import type { Policy } from '#services'
import { openSqliteStorage } from '#storage/sqlite/sqlite'

const HEADERS_MILLISECONDS = 20_000
/** How often Node looks for requests that have taken too long. */
const CHECK_MILLISECONDS = 1_000
const KEEP_ALIVE_MILLISECONDS = 75_000
const CLOSE_MILLISECONDS = 10_000
const TIDY_MILLISECONDS = 60 * 60_000

export interface RunningServer {
  /** Where it listens: scheme, host and port. */
  readonly url: string
  /** To be shown to the person: without it nobody can make the first vault. Undefined when none is needed. */
  readonly setupToken: string | undefined
  /** Stops it in an orderly way; repeated calls wait for the same end. */
  close(): Promise<void>
}

/** What tests put in place of the real thing. */
export interface ServeSeams {
  readonly clock?: () => number
  readonly crashPoint?: (name: string) => void
  readonly log?: (line: string) => void
  readonly helloMilliseconds?: number
  /** Besides those of the settings. */
  readonly dialects?: readonly CreateDialect[]
  readonly gate?: Gate
}

/** Also where there is a vault: it may be removed, and the next sign-up is then a first one again [KEY-7]. */
function setupTokenOf({ signUp, setupToken }: ServerConfig, beyond: boolean): string | undefined {
  if (signUp !== 'single') return undefined
  return setupToken ?? (beyond ? randomBytes(18).toString('base64url') : undefined)
}

function readPolicy(config: ServerConfig): Policy {
  const beyond = isBeyondLoopback(config)
  return {
    version: manifest.version,
    signUp: config.signUp,
    setupToken: setupTokenOf(config, beyond),
    metricsToken: config.metricsToken,
    trustedProxies: parseTrustedProxies(config.trustedProxy),
    limits: limitsWith(config.quota),
    insecure: beyond && config.tlsCert === undefined && !(config.publicUrl?.startsWith('https:') ?? false),
  }
}

/** What stands before the routes. A server of one machine whose dialect needs a gate, told to do without, still knows that machine. */
function gateOf(config: ServerConfig, clock: () => number, logger: Logger): Gate | undefined {
  const report = (trouble: string) => logger.warn('gate-keys', { trouble })
  const gate = configuredGate(config, { fetch, clock, report })
  if (gate !== undefined || !isWithoutGate(config)) return gate
  logger.warn('no-gate', { dialect: 'dataans' })
  return createLoopbackGate(config.allowedOrigin)
}

/** @throws ConfigError when certificate or key cannot be read. */
function createHttpServer({ tlsCert, tlsKey }: ServerConfig): Server {
  if (tlsCert === undefined || tlsKey === undefined) return createServer({ connectionsCheckingInterval: CHECK_MILLISECONDS })
  try {
    return createTlsServer({
      connectionsCheckingInterval: CHECK_MILLISECONDS,
      cert: readFileSync(tlsCert),
      key: readFileSync(tlsKey),
    })
  } catch (error) {
    throw new ConfigError([`tlsCert, tlsKey: ${(error as Error).message}`], { cause: error })
  }
}

function listen(server: Server, { host, port }: ServerConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Stops accepting; resolves when every connection has ended, by itself or after a grace period by force. */
function closeConnections(server: Server, live: LiveServer): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), 20)
    const force = setTimeout(() => {
      live.terminate()
      server.closeAllConnections()
    }, CLOSE_MILLISECONDS)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(force)
      resolve()
    })
    live.close()
  })
}

/**
 * Starts a server and resolves once it answers.
 *
 * @throws ConfigError for settings that do not work, FolderInUseError when another server has the data folder,
 *   NewerDatabaseError when a newer release wrote it, and Node's errors when it cannot listen.
 */
export async function startServer(options: ServerOptions, seams: ServeSeams = {}): Promise<RunningServer> {
  const config = parseConfig(options)
  const clock = seams.clock ?? Date.now
  const logger = createLogger(config.logLevel, seams.log ?? ((line) => process.stderr.write(line)))
  const random = (length: number) => new Uint8Array(randomBytes(length))
  const server = createHttpServer(config)
  const web = config.web === NO_WEB_APP ? undefined : readWebFolder(config.web)
  const storage = openSqliteStorage({ folder: config.data, random, crashPoint: seams.crashPoint })
  try {
    const policy = readPolicy(config)
    const isFirst = !(await storage.hasVaults())
    const { crashPoint = () => {} } = seams
    const gate = seams.gate ?? gateOf(config, clock, logger)
    const dialects = [...configuredDialects(config, { random, crashPoint }), ...(seams.dialects ?? [])]
    const app = createApp({ storage, policy, clock, random, schedule: setImmediate, logger, dialects, gate, web, crashPoint })
    server.headersTimeout = Math.min(HEADERS_MILLISECONDS, config.requestTimeout * 1000)
    // Bodies have deadlines of their own.
    server.requestTimeout = 0
    server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS
    server.timeout = config.idleTimeout * 1000
    server.maxConnections = config.maxSockets
    serveApp({
      server,
      app,
      bodyTimeout: config.requestTimeout * 1000,
      onError: (error) => logger.warn('answer-broken', errorFields(error)),
    })
    const secure = config.tlsCert !== undefined
    const liveServer = serveLive({
      server,
      hub: app.live,
      admit: app.admit,
      clock,
      allowedOrigins: [...config.allowedOrigin, ...(config.publicUrl === undefined ? [] : [config.publicUrl])],
      maxSockets: config.maxSockets,
      secure,
      ...(seams.helloMilliseconds === undefined ? {} : { helloMilliseconds: seams.helloMilliseconds }),
    })
    await listen(server, config)
    const hourly = setInterval(app.tidy, TIDY_MILLISECONDS)
    hourly.unref()
    const { port } = server.address() as AddressInfo
    const host = config.host.includes(':') ? `[${config.host}]` : config.host
    const url = `${secure ? 'https' : 'http'}://${host}:${port}`
    logger.info('started', { port, signUp: config.signUp, tls: secure })

    async function stop(): Promise<void> {
      clearInterval(hourly)
      await closeConnections(server, liveServer)
      await app.drained()
      await storage.close()
      logger.info('stopped')
    }
    let stopping: Promise<void> | undefined
    return {
      url,
      setupToken: isFirst ? policy.setupToken : config.setupToken,
      close() {
        stopping ??= stop()
        return stopping
      },
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}
