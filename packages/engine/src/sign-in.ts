/** What a person gives to sign in, to change a password or to revoke a device, and what they get back. */

import type { GatePass } from '#gate'

export interface SignInRequest {
  readonly server: string
  /** The vault's name on the server. */
  readonly vault: string
  readonly password: string
  /** `create`: the first device, makes the vault. `join`: another device of an existing vault. The person says which [KEY-5]. */
  readonly intent: 'create' | 'join'
  /**
   * With `create`: a vault that this device has on another server, or that this server has lost, is the one to make. With `join`: what
   * this device has of a vault whose keys it no longer holds goes into this one [VAULT-2].
   */
  readonly move?: boolean | undefined
  /** With `create` a self-chosen one; without it one is generated, unless `passwordOnly`. */
  readonly passphrase?: string | undefined
  readonly passwordOnly: boolean
  readonly deviceName: string
  readonly setupToken?: string | undefined
  /** For the gate in front of this server; kept with the session. */
  readonly gate?: GatePass | undefined
}

export interface SignInResult {
  readonly vault: string
  /** This device's id. */
  readonly device: string
  readonly created: boolean
  /** Only when it was generated just now. */
  readonly passphrase?: string
  /** A vault that was here already was made on the server. */
  readonly moved?: boolean
  /** The server had an older key bundle than this device had seen; it has all keys again. */
  readonly repaired?: boolean
}

export interface PasswordChange {
  readonly currentPassword: string
  /** Needed where this device does not hold it. */
  readonly currentPassphrase?: string | undefined
  readonly newPassword: string
  /** Stays as it is where absent. */
  readonly newPassphrase?: string | undefined
}

/** What removing a vault from its server takes: a session alone is not enough. */
export interface RemovalProof {
  readonly password: string
  /** Needed where this device does not hold it. */
  readonly passphrase?: string | undefined
}

export interface RevocationRequest {
  /** The device's id, as the list of devices shows it. */
  readonly id: string
  readonly currentPassword: string
  /** Needed where this device does not hold it. */
  readonly currentPassphrase?: string | undefined
  /** Both stay as they are where absent. */
  readonly newPassword?: string | undefined
  readonly newPassphrase?: string | undefined
  /** In place of `newPassphrase`: one is made. */
  readonly generatePassphrase?: boolean | undefined
}

export interface RevocationResult {
  readonly id: string
  /** As the server has it. */
  readonly name: string
  /** It was revoked before; nothing was done. */
  readonly revokedBefore: boolean
  readonly repaired: boolean
  /** The vault's new passphrase, where there is one. */
  readonly passphrase?: string
}
