/**
 * Spaces: the folders that notes live in. Deleting one hides its notes; a note that somebody edited after the delete
 * stays visible, so a deleted space with such notes is still listed, marked `deleted` [CELL-7].
 */
import type { Row } from '@lockstep/engine/driver'
import { ModelError } from '#errors'
import { findRow } from '#reference'
import type { LockstepVault } from '#schema'

const MAX_NAME = 200

export interface Space {
  readonly id: string
  readonly name: string
  readonly avatar: string | null
  readonly folder: string | null
  /** What the importer that made it remembers; null for one made by hand. */
  readonly source: string | null
  readonly createdAt: number
  readonly updatedAt: number
  /** Visible notes in it. */
  readonly notes: number
  /** In the trash, and listed because notes in it were edited later. */
  readonly deleted: boolean
}

const COLUMNS = 'id, name, avatar, folder, source, createdAt, updatedAt'
/** Alive spaces, and deleted ones that still hold visible notes. */
const LISTED = `(
  SELECT ${COLUMNS}, 0 AS deleted FROM spaces
  UNION ALL
  SELECT ${COLUMNS}, 1 FROM all_spaces s WHERE _deleted = 1 AND EXISTS (SELECT 1 FROM notes n WHERE n.space = s.id)
)`
const IN_TRASH = '(SELECT * FROM all_spaces WHERE _deleted = 1)'

function toSpace(row: Row): Space {
  return {
    id: String(row['id']),
    name: String(row['name']),
    avatar: row['avatar'] as string | null,
    folder: row['folder'] as string | null,
    source: row['source'] as string | null,
    createdAt: Number(row['createdAt']),
    updatedAt: Number(row['updatedAt']),
    notes: Number(row['notes'] ?? 0),
    deleted: row['deleted'] === 1,
  }
}

/**
 * Notes of each space that are not deleted themselves: in a space that is alive these are the visible ones, told without a look at the
 * space for every note.
 */
const COUNTS = 'SELECT space, count(*) AS notes FROM all_notes WHERE _deleted = 0 GROUP BY space'

/** By name, then id. */
export function listSpaces(vault: LockstepVault): Space[] {
  const counts = new Map(vault.query(COUNTS).map((row) => [row['space'], row['notes']]))
  const shown = '(SELECT count(*) FROM notes n WHERE n.space = l.id)'
  return vault
    .query(`SELECT l.*, CASE l.deleted WHEN 1 THEN ${shown} END AS notes FROM ${LISTED} l ORDER BY l.name, l.id`)
    .map((row) => toSpace({ ...row, notes: row['notes'] ?? counts.get(row['id'] as string) ?? 0 }))
}

const spaceRow = (vault: LockstepVault, given: string): Row =>
  findRow({ vault, given, noun: 'space', missing: 'no-such-space', from: LISTED, name: 'name' })

/** A listed space by id, name or the beginning of its id. @throws ModelError `no-such-space`, `ambiguous` */
export function findSpace(vault: LockstepVault, given: string): Space {
  const row = spaceRow(vault, given)
  const [count] = vault.query('SELECT count(*) AS notes FROM notes WHERE space = ?', String(row['id']))
  return toSpace({ ...row, ...count })
}

/** The same without its notes counted: what somebody who writes into it needs. @throws ModelError `no-such-space`, `ambiguous` */
export function findPlace(vault: LockstepVault, given: string): Pick<Space, 'id' | 'name' | 'deleted'> {
  return toSpace(spaceRow(vault, given))
}

/** @throws ModelError `bad-name` */
function checkName(name: string): string {
  const trimmed = name.trim()
  if (trimmed === '') throw new ModelError('bad-name', 'a space needs a name')
  if (trimmed.length > MAX_NAME) throw new ModelError('bad-name', `a space's name has at most ${MAX_NAME} characters`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(trimmed)) throw new ModelError('bad-name', 'a name cannot hold control characters')
  return trimmed
}

/** Names are told apart here only: two devices may still make the same one, and both are then listed [CELL-6]. */
function refuseTaken(vault: LockstepVault, name: string, except?: string): void {
  const [taken] = vault.query('SELECT id FROM spaces WHERE name = ? AND id <> ?', name, except ?? '')
  if (taken !== undefined) throw new ModelError('space-exists', `there is a space "${name}" already`)
}

export interface NewSpace {
  /** Made by whoever asks, where it may have to ask again: what is there already stays as it is. Absent: a random one. */
  readonly id?: string | undefined
  readonly name: string
  readonly avatar?: string
  /** Unix milliseconds. */
  readonly now: number
}

/** Returns the id: with a number behind it where one in the trash has it. @throws ModelError `bad-name`, `space-exists` */
export function addSpace(vault: LockstepVault, { id: wanted, name, avatar, now }: NewSpace): string {
  const checked = checkName(name)
  return vault.transact((tx) => {
    let id = wanted
    for (let n = 2; id !== undefined && tx.get('spaces', id)?._deleted === true; n++) id = `${wanted}-${n}`
    refuseTaken(vault, checked, id)
    if (id !== undefined && tx.get('spaces', id) !== undefined) return id
    return tx.insert('spaces', { name: checked, avatar, createdAt: now, updatedAt: now }, id)
  })
}

export interface SpaceEdit {
  readonly name?: string | undefined
  /** Null takes it away. */
  readonly avatar?: string | null | undefined
  /** Unix milliseconds. */
  readonly now: number
}

/** @throws ModelError `no-such-space`, `ambiguous`, `bad-name`, `space-exists` */
export function editSpace(vault: LockstepVault, given: string, { name, avatar, now }: SpaceEdit): Space {
  const space = findSpace(vault, given)
  const checked = name === undefined ? space.name : checkName(name)
  refuseTaken(vault, checked, space.id)
  const values = { name: checked, avatar: avatar === undefined ? space.avatar : avatar, updatedAt: now }
  vault.transact((tx) => tx.update('spaces', space.id, values))
  return { ...space, ...values, deleted: false }
}

/** @throws ModelError `no-such-space`, `ambiguous`, `bad-name`, `space-exists` */
export function renameSpace(vault: LockstepVault, given: string, { name, now }: { name: string; now: number }): Space {
  return editSpace(vault, given, { name, now })
}

/** Moves a space to the trash; its notes are hidden with it. @throws ModelError `no-such-space`, `ambiguous` */
export function removeSpace(vault: LockstepVault, given: string): Space {
  const space = findSpace(vault, given)
  if (space.deleted) {
    throw new ModelError('no-such-space', `the space "${space.name}" is deleted already; notes edited since are still shown in it`)
  }
  vault.transact((tx) => tx.delete('spaces', space.id))
  return space
}

/** Takes a space and the notes that went with it out of the trash. @throws ModelError `no-such-space`, `ambiguous` */
export function restoreSpace(vault: LockstepVault, given: string): Space {
  const row = findRow({ vault, given, noun: 'deleted space', missing: 'no-such-space', from: IN_TRASH, name: 'name' })
  const id = String(row['id'])
  vault.transact((tx) => tx.restore('spaces', id))
  return findSpace(vault, id)
}
