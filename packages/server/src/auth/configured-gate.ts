/** The gate that the settings ask for: one of the kinds, whole, or none. */
import { type AccessGateOptions, createAccessGate } from '#auth/access'
import type { Gate } from '#auth/gate'
import { createOidcGate } from '#auth/oidc'

export interface GateSettings {
  readonly accessTeam?: string | undefined
  readonly accessAud: readonly string[]
  readonly accessCertsUrl?: string | undefined
  readonly oidcIssuer?: string | undefined
  readonly oidcAudience?: string | undefined
  readonly oidcAllow: readonly string[]
}

export type GateSeams = Pick<AccessGateOptions, 'fetch' | 'clock' | 'report'>
export type GateKind = 'access' | 'oidc'

/** By any of its settings: one that is not complete is refused, not left out. */
export function gateKind(settings: GateSettings): GateKind | undefined {
  const { accessTeam, accessAud, accessCertsUrl, oidcIssuer, oidcAudience, oidcAllow } = settings
  if (accessTeam !== undefined || accessCertsUrl !== undefined || accessAud.length > 0) return 'access'
  if (oidcIssuer !== undefined || oidcAudience !== undefined || oidcAllow.length > 0) return 'oidc'
  return undefined
}

/** @throws RangeError with a sentence for settings that cannot work */
export function configuredGate(settings: GateSettings, seams: GateSeams): Gate | undefined {
  const { accessTeam, accessAud, accessCertsUrl, oidcIssuer, oidcAudience, oidcAllow } = settings
  const kind = gateKind(settings)
  if (kind === undefined) return undefined
  if (kind === 'oidc') {
    if (oidcIssuer === undefined || oidcAudience === undefined || oidcAllow.length === 0) {
      throw new RangeError('oidcIssuer, oidcAudience and oidcAllow come together: who issues tokens, for what, and for whom')
    }
    return createOidcGate({ issuer: oidcIssuer, audience: oidcAudience, allow: oidcAllow, ...seams })
  }
  if (gateKind({ ...settings, accessTeam: undefined, accessAud: [], accessCertsUrl: undefined }) !== undefined) {
    throw new RangeError('there is one gate: set either access… or oidc…')
  }
  if (accessTeam === undefined || accessAud.length === 0) {
    throw new RangeError('accessTeam and accessAud come together: whose tokens count, and for which application')
  }
  return createAccessGate({ team: accessTeam, audiences: accessAud, certsUrl: accessCertsUrl, ...seams })
}
