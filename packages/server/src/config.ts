/**
 * The server's settings. Each has three names: `--data DIR` on the command line, `LOCKSTEP_DATA` in the environment,
 * `"data"` in the JSON file that `--config` (or `LOCKSTEP_CONFIG`) names. The command line wins over the environment,
 * the environment over the file, the file over the default. An unknown name in the file is an error, not a surprise.
 */
import { readFileSync } from 'node:fs'
import { SIGN_UP_POLICIES } from '@lockstep/protocol/http'
import { z } from 'zod'
import { LOG_LEVELS } from '#log'
import { parseTrustedProxies } from '#network'

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
const secret = z.string().min(16, 'use at least 16 characters').max(256)

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
    quota: count(0, Number.MAX_SAFE_INTEGER).default(0),
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
  })
  .refine((config) => (config.tlsCert === undefined) === (config.tlsKey === undefined), {
    path: ['tlsKey'],
    message: 'tlsCert and tlsKey come together',
  })

export type ServerConfig = z.output<typeof serverConfigSchema>
export type ServerOptions = z.input<typeof serverConfigSchema>

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
