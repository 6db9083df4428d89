/** The gate's outcomes as refusals of requests [HTTP-4]. Without a gate everybody passes. */
import type { Gate } from '#auth/gate'
import type { Metrics } from '#metrics'
import { ProblemError } from '#problems'

export interface Admission {
  /** Undefined for who may pass. */
  readonly refused?: ProblemError
  /** When passing ends, Unix milliseconds; undefined where it does not. */
  readonly until?: number | undefined
}

/** @param header a request's header, by its lower-case name */
export type GateKeeper = (header: (name: string) => string | undefined) => Promise<Admission>

export function createGateKeeper(gate: Gate, metrics: Metrics): GateKeeper {
  return async (header) => {
    const outcome = await gate.check(header)
    if (outcome.passed) return { until: outcome.until }
    const { reason, detail } = outcome
    metrics.count('lockstep_gate_refusals_total', 1, { reason })
    if (reason === 'unavailable') return { refused: new ProblemError('gate-unavailable', detail) }
    return { refused: new ProblemError('gate-refused', detail, { extra: { reason } }) }
  }
}
