/**
 * Leaving a server: signing out, and what remains of a vault that was removed from its server [VAULT-2].
 *
 * Of a removed vault everything that people wrote stays, and all that belonged to the vault goes: its keys, the place in its log, the
 * list of its devices, this database's name in it. Every row waits to be sent whole, by whichever device comes first, to the
 * vault that the person makes of it next; stamps stay as they are, so that devices that meet there again merge as if nothing had been.
 *
 * The database is left first and the keys go after it. Between the two a mark says so, and the next start goes on.
 */
import { DEVICES } from '#devices'
import { EngineError } from '#errors'
import type { Identity } from '#identity'
import type { Remote } from '#remote'
import type { Store } from '#store'
import { rowsTable } from '#tables'
import { WHOLE } from '#whole-rows'

/** Of the error, and of the problem that stays until the next sign-in. */
export const REMOVED = 'vault-removed'
/** What the engine noted of the log, of others in it, and of what it made for it. */
const OF_THE_LOG = [
  '_segments',
  '_tail',
  '_marks',
  '_held',
  '_links',
  '_closed',
  '_replicas',
  '_quarantine',
  '_pending',
  '_pending_text',
] as const
const META_OF_THE_VAULT = [
  'vaultId',
  'cursor',
  'chain',
  'generation',
  'bundleVersion',
  'bundleVersionSeen',
  'revokedDevices',
  'repairing',
  'rereadAt',
  'offlineSince',
  'gateRefusedAt',
  'copied',
] as const

interface OpenSession {
  readonly remote: Remote
  readonly token: string
}

/** Of a server that the vault was moved away from; it ends by itself where that one cannot be told. */
export async function endSession(session: OpenSession | undefined): Promise<void> {
  await session?.remote.signOut(session.token).catch(() => {})
}

/** Ends the session at the server, if it can be reached, and removes keys and passphrase here. */
export async function signOut(identity: Identity, session: OpenSession | undefined): Promise<{ readonly serverTold: boolean }> {
  let serverTold = false
  if (session !== undefined) {
    try {
      await session.remote.signOut(session.token)
      serverTold = true
    } catch (error) {
      // Ended already: as good as told. Out of reach: signing out must work on a plane, too.
      if (!(error instanceof EngineError)) throw error
      serverTold = error.code === 'needs-password' || error.code === REMOVED
      if (error.code === REMOVED) await leaveVault(identity)
    }
  }
  await identity.changeSecrets({ token: undefined, vaultKeys: undefined, gate: undefined })
  await identity.changeProfile({ passphrase: undefined, change: undefined, move: undefined })
  return { serverTold }
}

/**
 * The vault is on its server no more. Does nothing where another process on this home has left it already. `tell`: the person is to
 * know, who has not done it from here.
 */
export async function leaveVault(identity: Identity, { tell = false }: { readonly tell?: boolean } = {}): Promise<void> {
  const { token } = identity.secrets
  await identity.reload()
  if (identity.secrets.token !== token) return
  const { store } = identity
  const { server = '', vault = '' } = identity.profile
  store.write('remote', () => {
    leaveLog(store)
    if (tell) store.report(REMOVED, server, `"${vault}" was removed from ${server}. All that this device has of it is still here.`)
    store.meta.set('leaving', 1)
  })
  await finishLeaving(identity)
}

/** Also at the start, where it was broken off. */
export async function finishLeaving(identity: Identity): Promise<void> {
  const { meta } = identity.store
  if (meta.get('leaving') === undefined) return
  await identity.changeSecrets({ token: undefined, vaultKeys: undefined, gate: undefined, deviceCookie: undefined })
  await identity.changeProfile({ passphrase: undefined, passwordOnly: undefined, change: undefined, move: undefined })
  identity.store.write('remote', () => meta.delete('leaving'))
}

function leaveLog(store: Store): void {
  const { driver, meta } = store
  for (const table of OF_THE_LOG) driver.exec(`DELETE FROM ${table}`)
  driver.exec(`DELETE FROM ${rowsTable(DEVICES)}`)
  for (const table of ['_cells', '_foreign', '_trash']) driver.prepare(`DELETE FROM ${table} WHERE tbl = ?`).run(DEVICES)
  store.touch(DEVICES)
  for (const table of Object.keys(store.schema.tables)) {
    driver.prepare(`INSERT INTO _pending (tbl, n, since) SELECT ?, _n, ? FROM ${rowsTable(table)}`).run(table, WHOLE)
  }
  driver.exec("DELETE FROM _problems WHERE code <> 'many-deleted'")
  for (const key of META_OF_THE_VAULT) meta.delete(key)
  meta.set('leftServer', 1)
  store.changeReplica()
}
