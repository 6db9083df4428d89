/**
 * The server's settings. Each has three names: `--data DIR` on the command line, `LOCKSTEP_DATA` in the environment,
 * `"data"` in the JSON file that `--config` (or `LOCKSTEP_CONFIG`) names. The command line wins over the environment,
 * the environment over the file, the file over the default. An unknown name in the file is an error, not a surprise.
 * Settings that cannot work together are refused, with a sentence, before anything starts.
 */
import { readFileSync } from 'node:fs'
import { SIGN_UP_POLICIES } from '@lockstep/protocol/http'
import { z } from 'zod'
import { configuredGate, gateKind } from '#auth/configured-gate'
import { DIALECTS } from '#dialects/dialect'
import { DEFAULT_LIMITS } from '#dialects/difflog/limits'
import { DEFAULT_LOCKOUT } from '#dialects/difflog/lockout'
import { LOG_LEVELS } from '#log'
import { isBeyondLoopback, parseTrustedProxies } from '#network'

const count = (minimum: number, maximum: number) => z.coerce.number().pipe(z.int().min(minimum).max(maximum))

/** From the environment a list is written with commas. */
const list = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter(Boolean)
      : value,
  z.array(z.string()),
)

const origin = z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin)
/** A sum of bytes; 0 for no bound. */
const quota = count(0, Number.MAX_SAFE_INTEGER)
/** Bytes of one thing. */
const size = (initial: number) => count(1, Number.MAX_SAFE_INTEGER).default(initial)
const flag = z.union([z.boolean(), z.stringbool()])
const word = z.string().min(1)
const secret = z.string().min(16, 'use at least 16 characters').max(256)

/** In place of a folder: no web app is served. */
export const NO_WEB_APP = 'none'

export const serverConfigSchema = z
  .strictObject({
    /** 0 takes any free port. */
    port: count(0, 65535).default(8787),
    host: z.string().min(1).default('127.0.0.1'),
    /** The data folder. */
    data: z.string().min(1).default('lockstep-data'),
    signUp: z.enum(SIGN_UP_POLICIES).default('single'),
    setupToken: secret.optional(),
    /** Sealed bytes per vault, 0 for no bound. */
    quota: quota.default(0),
    /** The folder of the built web app. */
    web: z.string().min(1).default(NO_WEB_APP),
    trustedProxy: list.default([]).superRefine((cidrs, context) => {
      try {
        parseTrustedProxies(cidrs)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
    }),
    /** The address people reach the server by, when a proxy stands in front of it. */
    publicUrl: origin.optional(),
    /** Origins besides the server's own whose pages may open a live connection. */
    allowedOrigin: list.pipe(z.array(origin)).default([]),
    tlsCert: z.string().min(1).optional(),
    tlsKey: z.string().min(1).optional(),
    metricsToken: secret.optional(),
    logLevel: z.enum(LOG_LEVELS).default('info'),
    maxSockets: count(1, 1_000_000).default(10_000),
    /** Seconds that a whole request may take to arrive. */
    requestTimeout: count(1, 86_400).default(300),
    /** Seconds without a byte after which a connection is closed. */
    idleTimeout: count(1, 86_400).default(120),
    /** What is spoken besides our own protocol. */
    dialect: list
      .pipe(z.array(z.enum(DIALECTS)))
      .transform((names) => [...new Set(names)])
      .default([]),
    /** Lets the Dataans dialect, which has no passwords, do without a gate, on this machine alone. */
    insecureNoGate: flag.default(false),
    /** Cloudflare Access as the gate. */
    accessTeam: word.optional(),
    accessAud: list.default([]),
    accessCertsUrl: word.optional(),
    /** An OpenID Connect provider as the gate. */
    oidcIssuer: word.optional(),
    oidcAudience: word.optional(),
    oidcAllow: list.default([]),
    /** One diff, star or TLDR, as it is sent. */
    difflogItemBytes: size(DEFAULT_LIMITS.itemBytes),
    /** One request's JSON. A change of password brings all of a profile. */
    difflogBodyBytes: size(DEFAULT_LIMITS.bodyBytes),
    /** Per profile. */
    difflogQuota: quota.default(DEFAULT_LIMITS.quotaBytes),
    /** Wrong passwords for a profile from one network until it waits, and for how long. */
    difflogAttempts: count(1, 100).default(DEFAULT_LOCKOUT.attempts),
    difflogLockSeconds: count(1, 86_400).default(DEFAULT_LOCKOUT.lockSeconds),
    dataansFileBytes: size(2 * 1024 * 1024 * 1024),
    /** Operations and files together. */
    dataansQuota: quota.default(0),
  })
  .refine((config) => (config.tlsCert === undefined) === (config.tlsKey === undefined), {
    path: ['tlsKey'],
    message: 'tlsCert and tlsKey come together',
  })
  .superRefine((config, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    try {
      configuredGate(config, {
        fetch: () => Promise.reject(new TypeError('settings are checked without a network')),
        clock: () => 0,
      })
    } catch (error) {
      refuse('gate', (error as Error).message)
    }
    const gated = gateKind(config) !== undefined
    if (gated && config.insecureNoGate) refuse('insecureNoGate', 'there is a gate: leave this out')
    if (!config.dialect.includes('dataans') || gated) return
    if (!config.insecureNoGate) {
      refuse(
        'dialect',
        'dataans has no passwords of its own: set up a gate (access… or oidc…), or insecureNoGate for this machine alone',
      )
    } else if (isBeyondLoopback(config)) {
      refuse(
        'insecureNoGate',
        'dataans without a gate is for this machine alone: host must be 127.0.0.1, with no proxy and no public address',
      )
    }
  })

export type ServerConfig = z.output<typeof serverConfigSchema>
export type ServerOptions = z.input<typeof serverConfigSchema>

/** A dialect that needs a gate was told to do without. */
export function isWithoutGate({ dialect, insecureNoGate }: ServerConfig): boolean {
  return insecureNoGate && dialect.includes('dataans')
}

/** A setting is missing, unknown or out of range. `issues` has one sentence for each. */
export class ConfigError extends Error {
  readonly code = 'bad-config'
  readonly issues: readonly string[]
  constructor(issues: readonly string[], options?: ErrorOptions) {
    super(issues.join('; '), options)
    this.name = 'ConfigError'
    this.issues = issues
  }
}

/** @throws ConfigError */
export function parseConfig(options: Readonly<Record<string, unknown>>): ServerConfig {
  const parsed = serverConfigSchema.safeParse(options)
  if (parsed.success) return parsed.data
  throw new ConfigError(
    parsed.error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)),
  )
}

export interface ConfigSources {
  /** As given on the command line; undefined values do not count. `config` names the file. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** In place of the schema's own; the file wins over them. */
  readonly defaults?: Readonly<Record<string, unknown>>
  readonly readFile?: (path: string) => string
}

function environmentName(setting: string): string {
  return `LOCKSTEP_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

function readConfigFile(path: string, readFile: (path: string) => string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(readFile(path))
  } catch (error) {
    throw new ConfigError([`the config file cannot be read: ${(error as Error).message}`], { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(['the config file must hold one JSON object'])
  }
  return value as Record<string, unknown>
}

/** Puts the three sources together. @throws ConfigError */
export function loadConfig({
  flags,
  environment,
  defaults = {},
  readFile = (path) => readFileSync(path, 'utf8'),
}: ConfigSources): ServerConfig {
  const { config: file = environment['LOCKSTEP_CONFIG'], ...settings } = flags
  const merged: Record<string, unknown> = { ...defaults, ...(typeof file === 'string' ? readConfigFile(file, readFile) : {}) }
  for (const setting of Object.keys(serverConfigSchema.shape)) {
    const value = settings[setting] ?? environment[environmentName(setting)]
    if (value !== undefined && value !== '') merged[setting] = value
  }
  return parseConfig(merged)
}
