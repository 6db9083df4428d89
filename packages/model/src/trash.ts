/**
 * The trash: deleted rows wait there until it is emptied, or for 30 days. What is hidden only because its parent is deleted (a note of
 * a deleted space, a star, TLDR or reading mark of a deleted diff) is not listed: it comes back, or goes, with the parent.
 */
import type { LockstepVault, Tables } from '#schema'

export type TrashKind = 'space' | 'note' | 'diff'

const KINDS: Readonly<Record<string, { readonly kind: TrashKind; readonly title: string }>> = {
  spaces: { kind: 'space', title: 'name' },
  notes: { kind: 'note', title: 'title' },
  diffs: { kind: 'diff', title: 'title' },
}

export interface TrashEntry {
  readonly kind: TrashKind
  readonly id: string
  readonly title: string
  /** Unix milliseconds by the deleting device's clock. */
  readonly deletedAt: number
  /** When it will be dropped by itself, by this device's clock; undefined until a sync has noticed that it is here. */
  readonly purgeAt: number | undefined
}

/** The last deleted first. */
export function listTrash(vault: LockstepVault): TrashEntry[] {
  return vault.trash().flatMap(({ table, id, deletedAt }) => {
    const known = KINDS[table]
    if (known === undefined) return []
    const [row] = vault.query(`SELECT "${known.title}" AS title FROM "all_${table}" WHERE id = ?`, id)
    return [
      { kind: known.kind, id, title: String(row?.['title'] ?? ''), deletedAt, purgeAt: vault.purgeTime(table as keyof Tables, id) },
    ]
  })
}

/**
 * Drops the contents of everything in the trash, for good and on every device [CELL-8]. A deleted space whose later
 * edited notes are still shown stays until they are moved or deleted, because its name is shown with them. Returns how many
 * rows went.
 * @param only what was listed when a person said so; what has come into the trash since stays, with all that it hides. Absent: everything
 */
export function emptyTrash(vault: LockstepVault, only?: readonly Pick<TrashEntry, 'kind' | 'id'>[]): number {
  const listed = only && new Set(only.map(({ kind, id }) => `${kind} ${id}`))
  const goes = (kind: TrashKind, id: unknown) => listed?.has(`${kind} ${id}`) ?? true
  return vault.transact((tx) => {
    let purged = 0
    const purge = (
      table: 'spaces' | 'notes' | 'diffs' | 'stars' | 'tldrs' | 'reading' | 'publications' | 'apiKeys',
      id: string,
    ) => {
      tx.delete(table, id)
      if (tx.purge(table, id)) purged++
    }
    const ids = (sql: string) => vault.query(sql).map(({ id }) => String(id))
    // Children first: once the parent's delete has turned into a purge nothing tells any more what was hidden with it.
    const notes = `SELECT n.id, n.space, n._deleted FROM all_notes n WHERE n._deleted = 1 OR (
      NOT EXISTS (SELECT 1 FROM notes v WHERE v.id = n.id) AND EXISTS (SELECT 1 FROM all_spaces s WHERE s.id = n.space AND s._deleted = 1))`
    for (const { id, space, _deleted } of vault.query(notes)) {
      if (_deleted === 1 ? goes('note', id) : goes('space', space)) purge('notes', String(id))
    }
    const spaces = 'SELECT s.id FROM all_spaces s WHERE s._deleted = 1 AND NOT EXISTS (SELECT 1 FROM notes n WHERE n.space = s.id)'
    for (const id of ids(spaces)) if (goes('space', id)) purge('spaces', id)
    for (const table of ['stars', 'tldrs', 'reading'] as const) {
      const gone = `SELECT c.id, c.diff FROM all_${table} c WHERE c._deleted = 1 OR EXISTS (SELECT 1 FROM all_diffs d WHERE d.id = c.diff AND d._deleted = 1)`
      for (const { id, diff } of vault.query(gone)) if (goes('diff', diff)) purge(table, String(id))
    }
    for (const id of ids('SELECT id FROM all_diffs WHERE _deleted = 1')) if (goes('diff', id)) purge('diffs', id)
    for (const id of ids('SELECT id FROM all_publications WHERE _deleted = 1')) purge('publications', id)
    for (const id of ids('SELECT id FROM all_apiKeys WHERE _deleted = 1')) purge('apiKeys', id)
    return purged
  })
}
