/**
 * An outer gate: somebody else's proof that a person may reach this server at all (Cloudflare Access, an OpenID Connect
 * provider). It stands before every route but the ones that say whether the server is up, and knows nothing of vaults and
 * passwords: whoever passes still has to sign in.
 */

export type GateRefusal =
  /** No token came with the request. */
  | 'missing'
  /** It has run out: the person signs in at the gate again. */
  | 'expired'
  /** It is not one that this gate takes; the detail says why. */
  | 'refused'
  /** It cannot be checked now: the issuer's keys cannot be fetched. */
  | 'unavailable'

export type GateOutcome =
  | {
      readonly passed: true
      /** When what was shown runs out, Unix milliseconds; undefined where it does not. A connection that is kept open ends then. */
      readonly until?: number | undefined
    }
  | {
      readonly passed: false
      readonly reason: GateRefusal /** One sentence for people, without the token. */
      readonly detail: string
    }

export interface Gate {
  /** @param header the value of a request's header, by its lower-case name */
  check(header: (name: string) => string | undefined): Promise<GateOutcome>
}
