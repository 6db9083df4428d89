/**
 * Which pass this device shows to which server's gate. One is stored, beside the session and for its server; one may be given
 * to this process, and takes the stored one's place once the gate has let it through, so that a mistyped one costs nothing.
 * A pass is for one server: no other one gets to see it.
 */
import { type Gated, type GatePass, gated, readPass } from '#gate'
import type { HttpClient } from '#http'
import type { Identity } from '#identity'
import type { Secrets } from '#secrets'

export class GatePasses {
  readonly #identity: Identity
  #given: { readonly server: string; readonly pass: GatePass } | undefined

  constructor(identity: Identity) {
    this.#identity = identity
  }

  /** @throws EngineError `bad-value` */
  give(server: string, pass: GatePass): void {
    readPass(pass)
    this.#given = { server, pass }
  }

  #for(server: string): GatePass | undefined {
    if (this.#given?.server === server) return this.#given.pass
    const { gate } = this.#identity.secrets
    return gate?.server === server ? { accessToken: gate.accessToken, service: gate.service } : undefined
  }

  /** What is stored beside the session of this device's server. */
  toKeep(): Secrets['gate'] {
    const { server } = this.#identity.profile
    const pass = server === undefined ? undefined : this.#for(server)
    return server === undefined || pass === undefined ? undefined : { server, ...pass }
  }

  /** Nothing can be sent to this device's server before there is a new pass. */
  isExpired(): boolean {
    const { server } = this.#identity.profile
    const pass = server === undefined ? undefined : this.#for(server)
    const expiresAt = pass === undefined ? undefined : readPass(pass).expiresAt
    return expiresAt !== undefined && expiresAt <= this.#identity.store.runtime.now()
  }

  /** The way to a server. While signing in the pass is kept with the session, not here. @throws EngineError `bad-value` */
  gated(http: HttpClient, server: string): Gated {
    const identity = this.#identity
    const isNew = this.#given?.server === server && identity.hasSession && identity.profile.server === server
    const keep = async () => {
      await identity.changeSecrets({ gate: this.toKeep() })
      this.#given = undefined
    }
    const pass = this.#for(server)
    return gated({ http, server, pass, now: identity.store.runtime.now, onPassed: isNew ? keep : undefined })
  }
}
