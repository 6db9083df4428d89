/**
 * Takes an import back: what it added goes to the trash, from where it can be restored one by one. A space stays if there is anything
 * in it that the import did not bring. What an import has updated stays as well: the earlier text is in the note's history.
 */
import type { LockstepVault } from '@lockstep/model/schema'
import { NO_PACE, type Pace } from '#pace'

/** Ids of rows that were not there before. */
export interface AddedRows {
  readonly spaces: readonly string[]
  readonly notes: readonly string[]
}

/** Doing it again changes nothing. @returns how many notes went */
export async function takeBack(vault: LockstepVault, { spaces, notes }: AddedRows, pace: Pace = NO_PACE): Promise<number> {
  const isShown = (id: string) => vault.query('SELECT 1 FROM notes WHERE id = ?', id).length > 0
  let count = 0
  for (let i = 0; i < notes.length; i += pace.rows) {
    vault.transact((tx) => {
      for (const id of notes.slice(i, i + pace.rows)) if (isShown(id) && tx.delete('notes', id)) count++
    })
    await pace.pause()
  }
  vault.transact((tx) => {
    for (const id of spaces) {
      if (tx.get('spaces', id)?._deleted !== false) continue
      if (vault.query('SELECT 1 FROM notes WHERE space = ? LIMIT 1', id).length === 0) tx.delete('spaces', id)
    }
  })
  return count
}
