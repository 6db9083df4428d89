/** What a server answers where it does not do what was asked. */
import { EngineError, type EngineErrorCode } from '#errors'

/** The server said no, in the protocol's own words. */
export class ServerProblem extends EngineError {
  readonly status: number
  /** Stable code of the protocol, for instance `chain-mismatch`. */
  readonly problem: string
  /** The problem's extra members. */
  readonly members: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    problem: string,
    detail: string,
    members: Readonly<Record<string, unknown>>,
    retryAfter: number | undefined,
  ) {
    super(engineCode(problem, status), detail, retryAfter === undefined ? {} : { retryAfter })
    this.name = 'ServerProblem'
    this.status = status
    this.problem = problem
    this.members = members
  }
}

const CODES: Readonly<Record<string, EngineErrorCode>> = {
  unauthorized: 'needs-password',
  'wrong-credentials': 'wrong-credentials',
  'sign-up-closed': 'sign-up-refused',
  'setup-token-required': 'sign-up-refused',
  'too-many-attempts': 'too-many-attempts',
  'too-many-requests': 'too-many-attempts',
  'chain-mismatch': 'server-diverged',
  'replica-conflict': 'replica-conflict',
  'epoch-closed': 'epoch-closed',
  'bundle-conflict': 'conflict',
  'vault-removed': 'vault-removed',
  'code-unknown': 'code-unknown',
  'run-changed': 'conflict',
  'merge-busy': 'conflict',
  'quota-exceeded': 'quota-exceeded',
  'storage-full': 'quota-exceeded',
  'shutting-down': 'offline',
  'gate-refused': 'gate-refused',
  'gate-unavailable': 'offline',
}

function engineCode(problem: string, status: number): EngineErrorCode {
  // A server may call its problem "constructor".
  if (Object.hasOwn(CODES, problem)) return CODES[problem] as EngineErrorCode
  return status >= 500 ? 'offline' : 'server-refused'
}

/** Whatever was asked for was not done: the server read the request and refused it, or it did not come past the gate. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof ServerProblem) return error.status < 500 || error.problem === 'gate-unavailable'
  return error instanceof EngineError && error.code === 'gate-refused'
}
