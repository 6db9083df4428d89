/**
 * Which notes a space shows, and in which order. With 100 000 notes that is the one costly question, and it is asked after every
 * change. So it is asked in such a way that the index of the notes answers it (`schema.ts` of the model), without a look at their
 * texts; a letter typed into a note changes no order, so what was found is kept until something else is written; a note that is added
 * here, mostly at the end, is added to what was found; and a tab that has the list of before is told only what is between its beginning and its end that stayed (`timeline-step.ts`).
 */

import { rowsTable } from '@lockstep/engine/tables'
import type { LockstepVault } from '@lockstep/model/schema'
import { listSpaces, type Space } from '@lockstep/model/spaces'
import { stepBetween, type TimelineStep } from '#host/timeline-step'

export interface PinnedNote {
  readonly id: string
  readonly title: string
}

export interface TimelineAnswer {
  /** Names the list: whoever has it need not be sent it again. */
  readonly version: string
  /** From the list that the asker has to this one; 100 000 ids go over to a tab faster as one string. Absent where the asker has it. */
  readonly step?: TimelineStep
  /** The oldest first. */
  readonly pinned: readonly PinnedNote[]
}

export interface Timelines {
  timeline(space: string, known: string | undefined): TimelineAnswer
  spaces(): Space[]
  /** Runs what changes neither which notes are shown nor their order. */
  quietly<R>(work: () => R): R
  /** Runs what adds one note and changes nothing else; `work` returns its id. The everyday case: nothing is asked anew. */
  adding(work: () => string): string
}

interface Kept {
  /** How many changes there had been. */
  readonly at: number
  readonly version: string
  readonly ids: string
  /** How many. */
  readonly count: number
  readonly pinned: readonly string[]
  /** From the list before, which most who ask have. */
  readonly step?: { readonly from: string; readonly step: TimelineStep } | undefined
}

const TABLES = ['notes', 'spaces'].map(rowsTable)
/** Spaces whose ids are kept: tabs may show different ones. */
const MOST = 4

export function createTimelines(vault: LockstepVault): Timelines {
  /** Another worker's versions are others. */
  const era = crypto.randomUUID()
  let changes = 0
  let quiet = false
  /** The last change was one of notes alone. */
  let notesOnly = false
  const kept = new Map<string, Kept>()
  let spaces: { readonly changes: number; readonly list: Space[] } | undefined

  vault.onChange((tables) => {
    if (quiet || !TABLES.some((table) => tables.has(table))) return
    changes++
    notesOnly = !tables.has(rowsTable('spaces'))
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
    const [row] = vault.query(
      `SELECT group_concat(id, ' ') AS ids, count(*) AS count, group_concat(CASE pinned WHEN 1 THEN id END, ' ') AS pinned
       FROM (SELECT id, pinned FROM ${shownIn(space)} ORDER BY createdAt, id)`,
      space,
    )
    const ids = String(row?.['ids'] ?? '')
    const pinned = row?.['pinned'] == null ? [] : String(row['pinned']).split(' ')
    // What changed was in another space: nobody has to be sent these again.
    if (ids === before?.ids) return { ...before, at: changes, pinned }
    const step = before && { from: before.version, step: stepBetween(before.ids, ids) }
    return { at: changes, version: version(), ids, count: Number(row?.['count']), pinned, step }
  }
  const version = () => `${era} ${changes}`
  /** Not by comparing: 100 000 ids are some megabytes. */
  function withOneMore(before: Kept, id: string): Kept {
    const step = { from: before.version, step: { first: before.count, last: 0, ids: id } }
    const ids = before.count === 0 ? id : `${before.ids} ${id}`
    return { at: changes, version: version(), ids, count: before.count + 1, pinned: before.pinned, step }
  }
  /** The only change since `before` is that this note was added: where it is the last of its space, that is all there is to it. */
  function takeIn(id: string, before: number): void {
    const [note] = vault.query('SELECT space, pinned FROM notes WHERE id = ?', id)
    // Out of the trash, with what it had been.
    if (note?.['pinned'] !== 0) return
    const space = note['space']
    for (const [other, known] of kept) {
      if (known.at !== before) continue
      if (other !== space) kept.set(other, { ...known, at: changes })
      else if (known.count === 0 || comesAfter(known.ids.slice(known.ids.lastIndexOf(' ') + 1), id)) {
        kept.set(other, withOneMore(known, id))
      }
    }
    if (spaces?.changes !== before || !spaces.list.some((listed) => listed.id === space)) return
    const list = spaces.list.map((listed) => (listed.id === space ? { ...listed, notes: listed.notes + 1 } : listed))
    spaces = { changes, list }
  }
  function comesAfter(last: string, id: string): boolean {
    const ordered = 'SELECT 1 FROM notes a JOIN notes b WHERE a.id = ? AND b.id = ? AND (a.createdAt, a.id) < (b.createdAt, b.id)'
    return vault.query(ordered, last, id).length > 0
  }
  /** In a space that is alive every note is shown that is not deleted itself: no need to look at the space for each. */
  function shownIn(space: string): string {
    const deleted = vault.query('SELECT 1 FROM all_spaces WHERE id = ? AND _deleted = 1', space).length > 0
    return deleted ? 'notes WHERE space = ?' : 'all_notes WHERE space = ? AND _deleted = 0'
  }
  function stepFrom({ version, ids, step }: Kept, known: string | undefined): TimelineStep | undefined {
    if (known === version) return undefined
    return step !== undefined && step.from === known ? step.step : { first: 0, last: 0, ids }
  }
  return {
    timeline(space, known) {
      const found = look(space)
      const titles = found.pinned.map((id) => ({
        id,
        title: String(vault.query('SELECT title FROM notes WHERE id = ?', id)[0]?.['title']),
      }))
      const step = stepFrom(found, known)
      return { version: found.version, pinned: titles, ...(step !== undefined && { step }) }
    },
    spaces() {
      if (spaces?.changes !== changes) spaces = { changes, list: listSpaces(vault) }
      return spaces.list
    },
    adding(work) {
      const before = changes
      const id = work()
      // Asked a second time nothing was added; a deleted space came back with its note, and others with it.
      if (changes === before + 1 && notesOnly) takeIn(id, before)
      return id
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
