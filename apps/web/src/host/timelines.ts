/**
 * Which notes a space shows, and in which order. With 100 000 notes that is the one costly question, and it is asked after every
 * change; but a letter typed into a note changes no order, so what was found is kept until something else is written.
 */
import { rowsTable } from '@lockstep/engine/tables'
import type { LockstepVault } from '@lockstep/model/schema'
import { listSpaces, type Space } from '@lockstep/model/spaces'

export interface PinnedNote {
  readonly id: string
  readonly title: string
}

export interface TimelineAnswer {
  /** Names `ids`: whoever has them need not be sent them again. */
  readonly version: string
  /** The oldest first, a blank between two: 100 000 go over to a tab faster as one string. Absent where the asker has them. */
  readonly ids?: string
  /** The oldest first. */
  readonly pinned: readonly PinnedNote[]
}

export interface Timelines {
  timeline(space: string, known: string | undefined): TimelineAnswer
  spaces(): Space[]
  /** Runs what changes neither which notes are shown nor their order. */
  quietly<R>(work: () => R): R
}

interface Kept {
  /** How many changes there had been. */
  readonly at: number
  readonly version: string
  readonly ids: string
  readonly pinned: readonly string[]
}

const TABLES = ['notes', 'spaces'].map(rowsTable)
/** Spaces whose ids are kept: tabs may show different ones. */
const MOST = 4

export function createTimelines(vault: LockstepVault): Timelines {
  /** Another worker's versions are others. */
  const era = crypto.randomUUID()
  let changes = 0
  let quiet = false
  const kept = new Map<string, Kept>()
  let spaces: { readonly changes: number; readonly list: Space[] } | undefined

  vault.onChange((tables) => {
    if (!quiet && TABLES.some((table) => tables.has(table))) changes++
  })

  function look(space: string): Kept {
    const before = kept.get(space)
    kept.delete(space)
    const found = before?.at === changes ? before : ask(space, before)
    kept.set(space, found)
    if (kept.size > MOST) kept.delete(kept.keys().next().value as string)
    return found
  }
  function ask(space: string, before: Kept | undefined): Kept {
    const shown = 'SELECT id, pinned FROM notes WHERE space = ? ORDER BY createdAt, id'
    const [row] = vault.query(
      `SELECT group_concat(id, ' ') AS ids, group_concat(CASE pinned WHEN 1 THEN id END, ' ') AS pinned FROM (${shown})`,
      space,
    )
    const ids = String(row?.['ids'] ?? '')
    const pinned = row?.['pinned'] == null ? [] : String(row['pinned']).split(' ')
    // What changed was in another space: nobody has to be sent these again.
    return { at: changes, version: ids === before?.ids ? before.version : `${era} ${changes}`, ids, pinned }
  }
  return {
    timeline(space, known) {
      const { version, ids, pinned } = look(space)
      const titles = pinned.map((id) => ({
        id,
        title: String(vault.query('SELECT title FROM notes WHERE id = ?', id)[0]?.['title']),
      }))
      return { version, pinned: titles, ...(known !== version && { ids }) }
    },
    spaces() {
      if (spaces?.changes !== changes) spaces = { changes, list: listSpaces(vault) }
      return spaces.list
    },
    quietly(work) {
      quiet = true
      try {
        return work()
      } finally {
        quiet = false
      }
    },
  }
}
