/** A worker's side of the link: answers requests in the order in which they came, once the vault is open. */
import { rowsTable } from '@lockstep/engine/tables'
import { schema } from '@lockstep/model/schema'
import { gatherChanges } from '#host/gather-changes'
import type { WebHome } from '#host/home'
import { Keeper } from '#host/keeper'
import { createMethods, type HostMethods } from '#host/methods'
import { type HostMessage, type Request, toFailure } from '#link/messages'

const TABLES = Object.keys(schema.tables)

/** What all tabs hear from the host. */
export type HostEvent =
  /** Rows of these tables have changed; `here`: by a tab of this browser. */
  | { readonly type: 'changed'; readonly tables: readonly string[]; readonly here: boolean }
  /** The device's state may be another one: a sync or the session has ended, devices or keys have changed. */
  | { readonly type: 'account' }
  /** A sync has begun, got on, or ended. */
  | { readonly type: 'activity' }
  /** All that this browser held has been removed. */
  | { readonly type: 'wiped' }

export interface ServedPort {
  post(message: HostMessage): void
  onMessage(listener: (message: HostMessage) => void): void
}

const CHANGES_ACCOUNT = new Set<string>([
  'signIn',
  'signOut',
  'sync',
  'changePassword',
  'revokeDevice',
  'removeFromServer',
] satisfies (keyof HostMethods)[])

/** @param opening the vault's home, as soon as it is open; what it fails with is every request's answer */
export function serveHost(port: ServedPort, opening: Promise<WebHome>): void {
  const tell = (event: HostEvent) => port.post({ type: 'notice', event })
  const methods = opening.then((home) => {
    const changedElsewhere = gatherChanges((tables) => tell({ type: 'changed', tables, here: false }))
    home.vault.onChange((tables, origin) => {
      const changed = TABLES.filter((table) => tables.has(rowsTable(table)))
      if (changed.length === 0) return
      if (origin === 'local') tell({ type: 'changed', tables: changed, here: true })
      else changedElsewhere(changed)
    })
    const keeper = new Keeper(home, { onAccount: () => tell({ type: 'account' }), onActivity: () => tell({ type: 'activity' }) })
    return createMethods(home, keeper) as unknown as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>
  })
  // It has a reader in each request; with none yet it is no error of the worker's.
  methods.catch(() => {})

  async function answer({ tab, id, method, args }: Request): Promise<void> {
    try {
      const call = (await methods)[method]
      if (call === undefined) throw new Error(`there is no method ${method}`)
      port.post({ type: 'answer', tab, id, result: await call(...args) })
      if (method === 'wipe') tell({ type: 'wiped' })
      if (CHANGES_ACCOUNT.has(method)) tell({ type: 'account' })
    } catch (error) {
      port.post({ type: 'answer', tab, id, failure: toFailure(error) })
    }
  }
  port.onMessage((message) => {
    if (message.type === 'request') void answer(message)
  })
}
