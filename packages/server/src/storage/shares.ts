/** What the server needs from a database for shares: sealed bytes under an id, which belong to a vault and are for anyone [SHR-1]. */
import type { VaultKey } from '#storage/storage'

export interface NewShare {
  readonly vault: VaultKey
  /** 16 bytes, made by the client. */
  readonly id: Uint8Array
  readonly sealed: Uint8Array
  /** Unix milliseconds. */
  readonly now: number
  /** Bytes the vault may hold, its log and its shares together; 0 for no bound. */
  readonly quota: number
  /** Shares the vault may have. */
  readonly most: number
}

export type ShareOutcome =
  | { readonly outcome: 'stored' }
  /** The id is that of another vault's share. */
  | { readonly outcome: 'taken' }
  | { readonly outcome: 'too-many' }
  | { readonly outcome: 'quota-exceeded'; readonly bytes: number }

export interface ShareStore {
  /** In place of the vault's own under this id, if there is one. */
  put(share: NewShare): Promise<ShareOutcome>
  get(id: Uint8Array): Promise<Uint8Array | undefined>
  /** `taken`: the id is that of another vault's share, which stays. A repeated removal answers like the first. */
  remove(vault: VaultKey, id: Uint8Array): Promise<'removed' | 'taken'>
}
