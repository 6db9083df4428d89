/** What the routes work with. Everything that has a clock, randomness, a disk or a network behind it is in here. */
import type { SignUpPolicy } from '@lockstep/protocol/http'
import type { Hono } from 'hono'
import type { Secrets } from '#auth/secrets'
import type { Sessions } from '#auth/sessions'
import type { Codes } from '#codes'
import type { GroupCommit } from '#group-commit'
import type { Guesses } from '#guesses'
import type { Limits } from '#limits'
import type { LiveHub } from '#live'
import type { Logger } from '#log'
import type { Metrics } from '#metrics'
import type { TrustedProxies } from '#network'
import type { Storage } from '#storage/storage'
import type { Tidying } from '#tidying'

export interface Policy {
  readonly version: string
  readonly signUp: SignUpPolicy
  /** Asked for at the first sign-up under `single`, when set. */
  readonly setupToken: string | undefined
  readonly metricsToken: string | undefined
  readonly trustedProxies: TrustedProxies
  readonly limits: Limits
  /** The server is reached over plain HTTP from beyond this machine, where browsers refuse to work. */
  readonly insecure: boolean
}

export interface Services {
  readonly storage: Storage
  readonly clock: () => number
  readonly secrets: Secrets
  readonly sessions: Sessions
  readonly guesses: Guesses
  readonly codes: Codes
  readonly commits: GroupCommit
  readonly tidying: Tidying
  readonly live: LiveHub
  readonly metrics: Metrics
  readonly logger: Logger
  readonly policy: Policy
  /** Named points at which a test may kill the process. */
  readonly crashPoint: (name: string) => void
}

/** What the adapter below tells about a request. */
export interface Bindings {
  /** Address of the other end of the connection. */
  readonly peer?: string
}

export interface AppEnv {
  Bindings: Bindings
}

export type App = Hono<AppEnv>
