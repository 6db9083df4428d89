/**
 * Short codes by which another device learns where to begin [SHR-2]. They are in memory alone: a restart ends them, and so do the
 * vault's removal, their first use and two minutes. What is under a code is no secret, so what a lucky guess finds is an address.
 *
 * A vault has at most {@link MOST_OF_VAULT} at a time; one more ends its oldest. All together there are at most {@link MOST}.
 */
import { CODE_ALPHABET, CODE_LENGTH, type Code, type Invitation } from '@lockstep/protocol/http'
import { CODE_LIFETIME } from '@lockstep/protocol/limits'
import type { VaultKey } from '#storage/storage'

const MOST_OF_VAULT = 5
const MOST = 10_000
/** The smallest power of two that is not below the alphabet's size: other values of a byte are drawn again. */
const DRAWN = 32

export interface Codes {
  /** Undefined when there are as many codes as the server holds. */
  make(vault: VaultKey, invitation: Invitation): Code | undefined
  /** What is under the code, which ends with this. Undefined for one that never was, was taken or has expired. */
  take(code: string): Invitation | undefined
  endAll(vault: VaultKey): void
  /** How many are open. */
  readonly size: number
}

interface Open {
  readonly vault: VaultKey
  readonly invitation: Invitation
  readonly expiresAt: number
}

export interface CodesOptions {
  /** Unix milliseconds. */
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
}

export function createCodes({ clock, random }: CodesOptions): Codes {
  /** Both in the order in which they were made, in which they expire as well. */
  const open = new Map<string, Open>()
  const byVault = new Map<VaultKey, Set<string>>()

  function drop(code: string): Open | undefined {
    const found = open.get(code)
    if (found === undefined) return undefined
    open.delete(code)
    const own = byVault.get(found.vault)
    own?.delete(code)
    if (own?.size === 0) byVault.delete(found.vault)
    return found
  }

  function dropExpired(): void {
    const now = clock()
    for (const [code, { expiresAt }] of open) {
      if (expiresAt > now) return
      drop(code)
    }
  }

  function draw(): string {
    let code = ''
    while (code.length < CODE_LENGTH) {
      for (const byte of random(CODE_LENGTH)) code += CODE_ALPHABET[byte % DRAWN] ?? ''
    }
    return code.slice(0, CODE_LENGTH)
  }

  return {
    get size() {
      dropExpired()
      return open.size
    },
    make(vault, invitation) {
      dropExpired()
      const [oldest = '', ...others] = byVault.get(vault) ?? []
      if (others.length + 1 >= MOST_OF_VAULT) drop(oldest)
      if (open.size >= MOST) return undefined
      let code = draw()
      while (open.has(code)) code = draw()
      const expiresAt = clock() + CODE_LIFETIME
      open.set(code, { vault, invitation, expiresAt })
      byVault.set(vault, (byVault.get(vault) ?? new Set()).add(code))
      return { code, expiresAt }
    },
    take(code) {
      const found = drop(code)
      return found !== undefined && clock() < found.expiresAt ? found.invitation : undefined
    },
    endAll(vault) {
      for (const code of byVault.get(vault) ?? []) drop(code)
    },
  }
}
