/** What a person gives to sign in or to change a password, and what they get back. */

export interface SignInRequest {
  readonly server: string
  /** The vault's name on the server. */
  readonly vault: string
  readonly password: string
  /** `create`: the first device, makes the vault. `join`: another device of an existing vault. The person says which [KEY-5]. */
  readonly intent: 'create' | 'join'
  /** With `create` a self-chosen one; without it one is generated, unless `passwordOnly`. */
  readonly passphrase?: string | undefined
  readonly passwordOnly: boolean
  readonly deviceName: string
  readonly setupToken?: string | undefined
}

export interface SignInResult {
  readonly vault: string
  /** This device's id. */
  readonly device: string
  readonly created: boolean
  /** Only when it was generated just now. */
  readonly passphrase?: string
}

export interface PasswordChange {
  readonly currentPassword: string
  /** Needed where this device does not hold it. */
  readonly currentPassphrase?: string | undefined
  readonly newPassword: string
  /** Stays as it is where absent. */
  readonly newPassphrase?: string | undefined
}
