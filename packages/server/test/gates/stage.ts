/** A gate, its issuer on this machine, and one clock for both that a test moves. */

import { expect } from 'vitest'
import { createAccessGate } from '#auth/access'
import type { Gate, GateOutcome } from '#auth/gate'
import type { IssuerFetch } from '#auth/issuer-documents'
import { createOidcGate } from '#auth/oidc'
import { AUD, type Issuer, OIDC_AUDIENCE, startIssuer, TEAM } from '../../../../tests/support/issuer.ts'

export const MINUTE = 60_000
/** Whatever has passed has shown a token, and every token ends. */
export const PASSED: GateOutcome = { passed: true, until: expect.any(Number) as number }

export interface Stage {
  readonly issuer: Issuer
  readonly gate: Gate
  /** Unix milliseconds. */
  readonly clock: { now: number }
  /** What the operator was told. */
  readonly troubles: string[]
  /** The outcome in a word, the token where such clients have it. */
  check(token: string): Promise<string>
}

interface StageOptions {
  readonly fetch?: IssuerFetch
  readonly audiences?: readonly string[]
  readonly allow?: readonly string[]
}

export const headers = (values: Readonly<Record<string, string>>) => (name: string) => values[name]

const word = (outcome: GateOutcome) => (outcome.passed ? 'passed' : outcome.reason)

async function parts() {
  const clock = { now: Date.UTC(2026, 10, 21) }
  return { clock, issuer: await startIssuer(() => clock.now), troubles: [] as string[] }
}

export async function accessStage({ fetch = globalThis.fetch, audiences = [AUD] }: StageOptions = {}): Promise<Stage> {
  const { clock, issuer, troubles } = await parts()
  const report = (trouble: string) => troubles.push(trouble)
  const options = { team: TEAM, audiences, certsUrl: issuer.certsUrl, fetch, clock: () => clock.now, report }
  const gate = createAccessGate(options)
  const check = async (token: string) => word(await gate.check(headers({ 'cf-access-jwt-assertion': token })))
  return { issuer, gate, clock, troubles, check }
}

export async function oidcStage({ fetch = globalThis.fetch, allow = ['subject-1'] }: StageOptions = {}): Promise<Stage> {
  const { clock, issuer, troubles } = await parts()
  const report = (trouble: string) => troubles.push(trouble)
  const options = { issuer: issuer.url, audience: OIDC_AUDIENCE, allow, fetch, clock: () => clock.now, report }
  const gate = createOidcGate(options)
  const check = async (token: string) => word(await gate.check(headers({ 'lockstep-gate-token': token })))
  return { issuer, gate, clock, troubles, check }
}
