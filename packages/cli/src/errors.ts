/**
 * How failures reach people and programs: one sentence that says what to do, a stable code, an exit status.
 *
 * | status | means |
 * | --- | --- |
 * | 0 | done |
 * | 1 | failed |
 * | 2 | bad usage: the command line or a setting is wrong |
 * | 3 | needs sign-in, at the server or at the gate in front of it |
 * | 4 | offline: the server cannot be reached, or cannot serve now |
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { DriverError } from '@lockstep/engine/driver'
import { EngineError } from '@lockstep/engine/errors'
import { ImportError } from '@lockstep/import/errors'
import { ModelError } from '@lockstep/model/errors'
import { ConfigError } from '@lockstep/server/config'
import { OperateError } from '@lockstep/server/operate/finding'
import { FolderInUseError } from '@lockstep/server/storage/sqlite/connection'
import { NewerDatabaseError } from '@lockstep/server/storage/sqlite/schema'
import { CommanderError } from 'commander'

export const EXIT = { done: 0, failed: 1, usage: 2, signIn: 3, offline: 4 } as const
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT]

export type CliErrorCode =
  | 'bad-usage'
  | 'no-terminal'
  | 'no-passphrase'
  | 'file-unreadable'
  | 'file-unwritable'
  | 'home-unusable'
  | 'no-such-profile'
  | 'profile-exists'
  | 'editor-failed'
  | 'edited-elsewhere'
  | 'cannot-listen'
  | 'folder-in-use'
  | 'not-confirmed'
  | 'problems-left'
  | 'damaged'

export class CliError extends Error {
  readonly code: CliErrorCode
  readonly status: ExitStatus

  constructor(code: CliErrorCode, message: string, options: ErrorOptions & { readonly status?: ExitStatus } = {}) {
    super(message, options)
    this.name = 'CliError'
    this.code = code
    this.status = options.status ?? (code === 'bad-usage' || code === 'no-terminal' ? EXIT.usage : EXIT.failed)
  }
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly status: ExitStatus
  /** Seconds until another try can succeed, where the server said so. */
  readonly retryAfter?: number
}

/** What to do about an engine error, where its own message does not say. */
const REMEDIES: Readonly<Record<string, string>> = {
  'not-signed-in': 'sign in with: lockstep sign-in --server URL',
  'needs-password': 'sign in again with: lockstep sign-in --server URL',
  'gate-refused': 'pass one with --access-token; the session and what is on this device stay as they are',
  'quota-exceeded': 'what you change is kept on this device; who runs the server can make room: disk space, or serve --quota',
  'vault-removed': 'share it again with: lockstep profile share --server URL',
  offline: 'check the address and the network: what is on this device stays as it is',
}

/** Somebody has to be asked who the person is: the server, or the gate in front of it. */
const SIGN_IN: ReadonlySet<string> = new Set(['not-signed-in', 'needs-password', 'gate-refused'])

const DRIVER: Readonly<Record<DriverError['code'], string | undefined>> = {
  busy: 'another lockstep is writing to this home: try again in a moment',
  full: 'the disk is full: make room and try again',
  corrupt: 'this home’s database is not as it was stored: see what can be healed with: lockstep doctor',
  io: 'the database of this home cannot be read or written: check the disk and the permissions of the folder',
  constraint: undefined,
  misuse: undefined,
  other: undefined,
}

export function describeFailure(error: unknown): Failure {
  if (error instanceof CliError) return { code: error.code, message: error.message, status: error.status }
  if (error instanceof CommanderError) return { code: 'bad-usage', message: usageMessage(error), status: EXIT.usage }
  if (error instanceof EngineError) return engineFailure(error)
  if (error instanceof ModelError || error instanceof ImportError || error instanceof CryptoError) {
    // A day that does not exist, a name that cannot be one: the command line is wrong, not the vault.
    return { code: error.code, message: error.message, status: error.code.startsWith('bad-') ? EXIT.usage : EXIT.failed }
  }
  if (error instanceof OperateError) {
    const [first] = error.findings
    return {
      code: error.code,
      message: first === undefined ? error.message : `${error.message}: ${first.message}`,
      status: EXIT.failed,
    }
  }
  if (error instanceof FolderInUseError) {
    return { code: error.code, message: `${error.message}: stop it first`, status: EXIT.failed }
  }
  if (error instanceof NewerDatabaseError) return { code: error.code, message: error.message, status: EXIT.failed }
  if (error instanceof ConfigError) return { code: error.code, message: error.message, status: EXIT.usage }
  if (error instanceof DriverError) {
    return { code: `database-${error.code}`, message: DRIVER[error.code] ?? error.message, status: EXIT.failed }
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return { code: 'cancelled', message: 'stopped; what was done until then is kept', status: EXIT.failed }
  }
  return { code: 'unexpected-error', message: `something unexpected happened: ${messageOf(error)}`, status: EXIT.failed }
}

function statusOf(code: EngineError['code']): ExitStatus {
  if (SIGN_IN.has(code)) return EXIT.signIn
  if (code === 'offline') return EXIT.offline
  return code === 'bad-link' ? EXIT.usage : EXIT.failed
}

function engineFailure(error: EngineError): Failure {
  const { code, message, retryAfter } = error
  const status = statusOf(code)
  if (code === 'too-many-attempts' && retryAfter !== undefined) {
    const when = `try again in ${duration(retryAfter)}`
    return { code, message: `too many attempts: ${when}; devices that are signed in are not affected`, status, retryAfter }
  }
  const wait = retryAfter === undefined ? undefined : `try again in ${duration(retryAfter)}`
  const remedy = wait ?? REMEDIES[code]
  const told = remedy === undefined || message.includes(remedy) ? message : `${message}; ${remedy}`
  return { code, message: told, status, ...(retryAfter !== undefined && { retryAfter }) }
}

/** Of seconds, for people: never shorter than it is. */
function duration(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`
}

function usageMessage({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim()
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
