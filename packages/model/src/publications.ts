/**
 * Published diffs: which links there are [SHR-1]. Each has a row, in a synced table, so that any device can take back what another one
 * published, also when its diff is deleted or was replaced. The server knows of a share no more than its id.
 *
 * A row is written before the server is asked, and goes after it has answered: what may be public is always in the list.
 */
import type { Row } from '@lockstep/engine/driver'
import { EngineError } from '@lockstep/engine/errors'
import { isRefusal } from '@lockstep/engine/server-problem'
import type { Sharing } from '@lockstep/engine/sharing'
import type { RemovalProof } from '@lockstep/engine/sign-in'
import { findDiff } from '#diffs'
import { ModelError } from '#errors'
import type { LockstepVault } from '#schema'

/** What of a device's sharing this needs. */
export type Publisher = Pick<Sharing, 'newLink' | 'publish' | 'unpublish'>

/** A link, in parts, and what it leads to. */
export interface Publication {
  /** Of the share; with `server` and `key` the link (`printShareLink`). */
  readonly id: string
  readonly server: string
  readonly key: string
  readonly diffId: string
  /** As it was published. */
  readonly title: string
  /** YYYY-MM-DD, or ''. */
  readonly date: string
  /** Unix milliseconds; null where publishing was begun and nobody knows whether it was done. */
  readonly publishedAt: number | null
}

function toPublication(row: Row): Publication {
  const publishedAt = Number(row['publishedAt'])
  return {
    id: String(row['id']),
    server: String(row['server']),
    key: String(row['key']),
    diffId: String(row['diff']),
    title: String(row['title']),
    date: String(row['date']),
    publishedAt: publishedAt === 0 ? null : publishedAt,
  }
}

/** The last published first. */
export function listPublications(vault: LockstepVault): Publication[] {
  return vault
    .query("SELECT * FROM publications WHERE key <> '' ORDER BY publishedAt = 0 DESC, publishedAt DESC, id")
    .map(toPublication)
}

/**
 * Publishes a diff as it is now, named by its id or the beginning of it. One that is published already keeps its link.
 * @throws ModelError `no-such-diff`, `ambiguous`; EngineError as `Sharing.publish`: after `offline` it is in the list without a time, and
 *   publishing it again finds out
 */
export async function publishDiff(
  vault: LockstepVault,
  publisher: Publisher,
  { diff, now }: { readonly diff: string; readonly now: number },
): Promise<Publication> {
  const { id: diffId, title, date, text } = findDiff(vault, diff)
  const fresh = publisher.newLink()
  const known = listPublications(vault).find((each) => each.diffId === diffId && each.server === fresh.server)
  const { id, server, key } = known ?? fresh
  if (known === undefined) {
    vault.transact((tx) => tx.insert('publications', { diff: diffId, title, date, server, key, publishedAt: 0 }, id))
  }
  try {
    await publisher.publish({ id, key }, { title, date, text })
  } catch (error) {
    if (known === undefined && isNotPublic(error)) remove(vault, [id])
    throw error
  }
  vault.transact((tx) => tx.update('publications', id, { title, date, publishedAt: now }))
  return { id, server, key, diffId, title, date, publishedAt: now }
}

/** These come before anything is stored. */
const NOT_STORED: ReadonlySet<string> = new Set(['value-too-large', 'not-signed-in', 'needs-password', 'vault-removed'])

/** Certainly not public. */
function isNotPublic(error: unknown): boolean {
  return isRefusal(error) || (error instanceof EngineError && NOT_STORED.has(error.code))
}

/**
 * Takes back what is published: under the share's id, or all of a diff, by its id or the beginning of it. Each goes from the list once the
 * server has nothing of it. Returns what went.
 * @throws ModelError `no-such-publication`, `ambiguous`; EngineError as `Sharing.unpublish`
 */
export async function unpublish(vault: LockstepVault, publisher: Publisher, given: string): Promise<Publication[]> {
  const found = findPublications(vault, given)
  for (const publication of found) {
    await publisher.unpublish(publication)
    remove(vault, [publication.id])
  }
  return found
}

/** The deleted row holds no key. */
function remove(vault: LockstepVault, ids: readonly string[]): void {
  vault.transact((tx) => {
    for (const id of ids) tx.delete('publications', id, { key: '' })
  })
}

function findPublications(vault: LockstepVault, given: string): Publication[] {
  const all = listPublications(vault)
  const exact = all.filter(({ id, diffId }) => id === given || diffId === given)
  if (exact.length > 0) return exact
  const found = given.length < 4 ? [] : all.filter(({ diffId }) => diffId.startsWith(given))
  const diffs = new Set(found.map(({ diffId }) => diffId))
  if (diffs.size > 1) {
    throw new ModelError(
      'ambiguous',
      `"${given}" fits more than one published diff: say which by its id (${[...diffs].join(', ')})`,
    )
  }
  if (found.length === 0) throw new ModelError('no-such-publication', `nothing is published as "${given}"`)
  return found
}

/** A device of the vault, as far as removing it goes. */
export interface Removable {
  readonly vault: LockstepVault
  readonly profile: { readonly server?: string }
  readonly removeFromServer: (proof: RemovalProof) => Promise<void>
}

/** Takes the vault off its server; what was published there is gone with it, and from the list. @throws as `Device.removeFromServer` */
export async function removeFromServer(device: Removable, proof: RemovalProof): Promise<void> {
  const { server } = device.profile
  await device.removeFromServer(proof)
  const gone = listPublications(device.vault).filter((each) => each.server === server)
  if (gone.length > 0) {
    remove(
      device.vault,
      gone.map(({ id }) => id),
    )
  }
}
