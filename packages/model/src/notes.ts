/**
 * Notes. A whole new text is applied as a diff, so that an edit made here and one made elsewhere at the same time both
 * survive [CELL-3]; earlier texts wait in this device's history.
 */
import type { Row } from '@lockstep/engine/driver'
import { ModelError } from '#errors'
import { noteTitle, titleFollows } from '#note-title'
import { findRow } from '#reference'
import type { LockstepVault } from '#schema'
import { findPlace } from '#spaces'

export interface NoteSummary {
  readonly id: string
  /** Name of its space; null where the space has not arrived yet. */
  readonly space: string | null
  readonly spaceId: string | null
  /** Its space is in the trash; the note was edited later. */
  readonly spaceDeleted: boolean
  readonly path: string | null
  readonly title: string
  readonly pinned: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Note extends NoteSummary {
  readonly text: string
  /** Texts that somebody wrote from scratch at the same time, newest first. */
  readonly conflicts: readonly string[]
}

const SUMMARY =
  'n.id, n.space, n.path, n.title, n.pinned, n.createdAt, n.updatedAt, s.name AS spaceName, s._deleted AS spaceDeleted'
const FROM = 'notes n LEFT JOIN all_spaces s ON s.id = n.space'

function toSummary(row: Row): NoteSummary {
  return {
    id: String(row['id']),
    space: row['spaceName'] as string | null,
    spaceId: row['space'] as string | null,
    spaceDeleted: row['spaceDeleted'] === 1,
    path: row['path'] as string | null,
    title: String(row['title']),
    pinned: row['pinned'] === 1,
    createdAt: Number(row['createdAt']),
    updatedAt: Number(row['updatedAt']),
  }
}

export interface NoteFilter {
  /** Id of a space. */
  readonly space?: string
}

/** By space, then pinned ones, then path and title. */
export function listNotes(vault: LockstepVault, { space }: NoteFilter = {}): NoteSummary[] {
  const where = space === undefined ? '' : 'WHERE n.space = ?'
  const order = 'ORDER BY s.name, n.space, n.pinned DESC, coalesce(n.path, n.title), n.title, n.id'
  return vault.query(`SELECT ${SUMMARY} FROM ${FROM} ${where} ${order}`, ...(space === undefined ? [] : [space])).map(toSummary)
}

const findVisible = (vault: LockstepVault, given: string) =>
  String(findRow({ vault, given, noun: 'note', missing: 'no-such-note', from: 'notes' })['id'])

/** By id or the beginning of it. @throws ModelError `no-such-note`, `ambiguous` */
export function findNote(vault: LockstepVault, given: string): Note {
  const id = findVisible(vault, given)
  const [row] = vault.query(`SELECT ${SUMMARY}, n.text FROM ${FROM} WHERE n.id = ?`, id)
  if (row === undefined) throw new ModelError('no-such-note', `there is no note "${given}"`)
  return { ...toSummary(row), text: String(row['text']), conflicts: vault.conflicts('notes', id, 'text') }
}

/** Those of these ids that are visible, in their order; one query, where a screen is full of notes. */
export function findNotes(vault: LockstepVault, ids: readonly string[]): Note[] {
  const rows = vault.query(
    `SELECT ${SUMMARY}, n.text FROM json_each(?) asked JOIN ${FROM} WHERE n.id = asked.value ORDER BY asked.key`,
    JSON.stringify(ids),
  )
  return rows.map((row) => ({
    ...toSummary(row),
    text: String(row['text']),
    conflicts: vault.conflicts('notes', String(row['id']), 'text'),
  }))
}

export interface NewNote {
  /** Made by whoever asks, where it may have to ask again: what is there already stays as it is. Absent: a random one. */
  readonly id?: string | undefined
  /** Id of its space. */
  readonly space: string
  readonly title: string
  readonly text: string
  readonly now: number
}

/** Returns the id. A space in the trash comes back by it. @throws ModelError `no-such-space` */
export function addNote(vault: LockstepVault, { id, space, title, text, now }: NewNote): string {
  const found = findPlace(vault, space)
  return vault.transact((tx) => {
    if (id !== undefined && tx.get('notes', id) !== undefined) return id
    if (found.deleted) tx.restore('spaces', found.id)
    return tx.insert('notes', { space: found.id, title, text, createdAt: now, updatedAt: now }, id)
  })
}

export interface NoteEdit {
  /** Absent: one of its own stays, one that followed from the text follows from the new one. */
  readonly title?: string | undefined
  readonly text?: string | undefined
  readonly pinned?: boolean | undefined
  readonly now: number
}

/** Returns the id and whether anything changed. @throws ModelError `no-such-note`, `ambiguous` */
export function editNote(
  vault: LockstepVault,
  given: string,
  { title: own, text, pinned, now }: NoteEdit,
): { id: string; changed: boolean } {
  const note = findNote(vault, given)
  const next = text?.toWellFormed()
  const rewritten = next !== undefined && next !== note.text
  const title = own ?? (rewritten && titleFollows(note) ? noteTitle(next) : undefined)
  const changed = (title !== undefined && title !== note.title) || rewritten || (pinned !== undefined && pinned !== note.pinned)
  // The time alone is no edit.
  if (changed) {
    const pin = pinned === undefined ? undefined : Number(pinned)
    vault.transact((tx) => tx.update('notes', note.id, { title, text, pinned: pin, updatedAt: now }))
  }
  return { id: note.id, changed }
}

export interface NoteMove {
  /** Space to move to: id, name or the beginning of an id. */
  readonly space: string
  readonly now: number
}

/** @throws ModelError `no-such-note`, `no-such-space`, `ambiguous` */
export function moveNote(vault: LockstepVault, given: string, { space, now }: NoteMove): { id: string; space: string } {
  const id = findVisible(vault, given)
  const target = findPlace(vault, space)
  if (target.deleted) throw new ModelError('no-such-space', `the space "${target.name}" is deleted: restore it first`)
  vault.transact((tx) => tx.update('notes', id, { space: target.id, updatedAt: now }))
  return { id, space: target.id }
}

/** Moves a note to the trash. Returns its id. @throws ModelError `no-such-note`, `ambiguous` */
export function removeNote(vault: LockstepVault, given: string): string {
  const id = findVisible(vault, given)
  vault.transact((tx) => tx.delete('notes', id))
  return id
}

/**
 * Takes a note out of the trash, also one that went there with its space: it is then shown under the space's name,
 * marked as deleted. Returns its id. @throws ModelError `no-such-note`, `not-deleted`, `ambiguous`
 */
export function restoreNote(vault: LockstepVault, given: string, now: number): string {
  const row = findRow({ vault, given, noun: 'note', missing: 'no-such-note', from: 'all_notes' })
  const id = String(row['id'])
  const [visible] = vault.query('SELECT 1 FROM notes WHERE id = ?', id)
  if (visible !== undefined) throw new ModelError('not-deleted', `the note "${String(row['title'])}" is not in the trash`)
  // Hidden with its space the note itself is alive: only a write that is later than the space's delete brings it back.
  vault.transact((tx) => tx.restore('notes', id, { updatedAt: Math.max(now, Number(row['updatedAt']) + 1) }))
  return id
}

export interface NoteVersion {
  readonly version: number
  /** When it was replaced, Unix milliseconds. */
  readonly at: number
  readonly text: string
}

/** Earlier texts on this device, newest first; also of a note in the trash. @throws ModelError `no-such-note`, `ambiguous` */
export function noteHistory(vault: LockstepVault, given: string): { id: string; versions: NoteVersion[] } {
  const id = String(findRow({ vault, given, noun: 'note', missing: 'no-such-note', from: 'all_notes' })['id'])
  return { id, versions: vault.history('notes', id, 'text') }
}

/** Makes an earlier text the note's text again. @throws ModelError `no-such-note`, `no-such-version`, `ambiguous` */
export function restoreNoteVersion(
  vault: LockstepVault,
  given: string,
  { version, now }: { version: number; now: number },
): string {
  const { id, versions } = noteHistory(vault, given)
  const found = versions.find((candidate) => candidate.version === version)
  if (found === undefined) throw new ModelError('no-such-version', `the note has no version ${version}`)
  const [note] = findNotes(vault, [id])
  const title = note !== undefined && titleFollows(note) ? noteTitle(found.text) : undefined
  vault.transact((tx) => tx.update('notes', id, { title, text: found.text, updatedAt: now }))
  return id
}
