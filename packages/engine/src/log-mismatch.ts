/** The server's log is not the one that this device has followed: what a repair starts from [LOG-9]. */
import { fromBase64Url } from '@lockstep/protocol/bytes'
import { type Coverage, coverageSchema, positionSchema } from '@lockstep/protocol/http'
import type { Position } from '@lockstep/protocol/records'
import { EngineError } from '#errors'
import type { ServerProblem } from '#server-problem'

/** Where a server's log stands and which counters of each replica it holds. */
export interface LogState extends Position {
  readonly coverage: Coverage
}

export class LogMismatch extends EngineError {
  /** As the server said it with its refusal; absent where another answer showed the mismatch. */
  readonly state: LogState | undefined

  constructor(message: string, state?: LogState, options: { readonly cause?: unknown } = {}) {
    super('server-diverged', message, options)
    this.name = 'LogMismatch'
    this.state = state
  }
}

/** Of a 409 `chain-mismatch`. */
export function mismatchOf(problem: ServerProblem): LogMismatch {
  const position = positionSchema.safeParse(problem.members)
  const coverage = coverageSchema.safeParse(problem.members['coverage'])
  const state = position.success && coverage.success ? { ...position.data, coverage: coverage.data } : undefined
  return new LogMismatch('the server has another log than the one that this device knows', state, { cause: problem })
}

/** A digest in a problem's member, undefined where there is none. */
export function digestIn(member: unknown): Uint8Array | undefined {
  if (typeof member !== 'string') return undefined
  try {
    const digest = fromBase64Url(member)
    return digest.length === 32 ? digest : undefined
  } catch {
    // Not base64url: as good as absent.
    return undefined
  }
}
