/** What a tab may ask about notes. */

import { parseQuery } from '@lockstep/engine/search/query'
import { type Snippet, snippet } from '@lockstep/engine/search/snippet'
import type { EditorState, RowPlace } from '@lockstep/engine/vault'
import { titleFollows } from '@lockstep/model/note-title'
import {
  addNote,
  editNote,
  findNote,
  findNotes,
  moveNote,
  type NewNote,
  type Note,
  noteHistory,
  removeNote,
  restoreNote,
  restoreNoteVersion,
} from '@lockstep/model/notes'
import type { LockstepVault } from '@lockstep/model/schema'
import type { Timelines } from '#host/timelines'

export interface ShownNote extends Note {
  readonly place: RowPlace
}

export interface FoundNote {
  readonly id: string
  readonly spaceId: string
  /** Name of its space. */
  readonly space: string
  /** With the found words marked, as in `text`. */
  readonly title: Snippet
  readonly text: Snippet
}

export interface FoundNotes {
  /** The last written first. */
  readonly notes: readonly FoundNote[]
  /** Changed notes that the index does not know yet: 0 when the answer is complete. */
  readonly backlog: number
}

export interface NoteSearch {
  readonly text: string
  readonly limit: number
  /** Only in this one. */
  readonly space?: string | undefined
}

/** What an editor hands over. */
export interface TypedText {
  readonly id: string
  readonly key: number
  readonly base: string
  /** Yjs update. */
  readonly update: Uint8Array
  /** The one that follows from the text; none where the note has a title of its own. */
  readonly title?: string | undefined
  readonly now: number
}

type Edit = Parameters<typeof editNote>[2]

const MAX_TITLE = 200

const isShown = (vault: LockstepVault, id: string): boolean => vault.query('SELECT 1 FROM notes WHERE id = ?', id).length > 0

function search(vault: LockstepVault, { text, limit, space }: NoteSearch): FoundNotes {
  const where = space === undefined ? {} : { where: { column: 'space', value: space } }
  const { ids, backlog } = vault.search('notes', text, { limit, ...where })
  const query = parseQuery(text)
  const notes = findNotes(vault, ids).map(({ id, title, text: body, spaceId, space: name }) => ({
    id,
    spaceId: spaceId ?? '',
    space: name ?? '',
    title: snippet(title, query, MAX_TITLE),
    text: snippet(body, query),
  }))
  return { notes, backlog }
}

/** Puts a text that stood beside the note's below it; asked twice it stands there once. */
function keepBoth(vault: LockstepVault, id: string, other: string, now: number): void {
  const { text } = findNote(vault, id)
  if (!text.endsWith(`\n\n${other}`)) editNote(vault, id, { text: `${text}\n\n${other}`, now })
}

/**
 * Whether a note has no title of its own but what its text says, or said before: where two devices wrote it at once, the title may
 * be that of one of the two texts.
 */
function hasFollowed(vault: LockstepVault, id: string): boolean {
  const [note] = findNotes(vault, [id])
  if (note === undefined || titleFollows(note)) return true
  return noteHistory(vault, id).versions.some(({ text }) => titleFollows({ title: note.title, text }))
}

export function noteMethods(vault: LockstepVault, { timeline, quietly, adding }: Timelines) {
  return {
    /** @param known version of the answer that the asker has */
    timeline: (space: string, known?: string) => timeline(space, known),
    /** Those that are there, in the order of `ids`. */
    notes: (ids: readonly string[]): ShownNote[] =>
      findNotes(vault, ids).map((note) => ({ ...note, place: vault.place('notes', note.id) })),
    addNote: (note: NewNote & { readonly id: string }): string => adding(() => addNote(vault, note)),
    editNote: (id: string, edit: Edit) => editNote(vault, id, edit),
    /** One that went meanwhile stays as it was. */
    titleNote(id: string, title: string, now: number): void {
      if (isShown(vault, id)) editNote(vault, id, { title, now })
    },
    keepBoth: (id: string, other: string, now: number) => keepBoth(vault, id, other, now),
    moveNote: (id: string, space: string, now: number) => moveNote(vault, id, { space, now }),
    /** One that went already, also elsewhere, is where it should be. */
    removeNote(id: string): void {
      if (isShown(vault, id)) removeNote(vault, id)
    },
    /** One that came back already is where it should be. */
    restoreNote(id: string, now: number): void {
      if (!isShown(vault, id)) restoreNote(vault, id, now)
    },
    noteHistory: (id: string) => noteHistory(vault, id),
    restoreNoteVersion: (id: string, version: number, now: number) => restoreNoteVersion(vault, id, { version, now }),
    search: (asked: NoteSearch): FoundNotes => search(vault, asked),
    openText(id: string) {
      const opened = vault.openText('notes', id, 'text')
      return opened && { ...opened, titleFollows: hasFollowed(vault, id) }
    },
    missingEdits: (id: string, state: EditorState): Uint8Array | undefined => vault.missingEdits('notes', id, 'text', state),
    typeText({ id, key, base, update, title, now }: TypedText): boolean {
      const edit = { key, base: base as never, update }
      const type = () => vault.transact((tx) => tx.mergeText('notes', id, 'text', edit, { title, updatedAt: now }))
      // Typing into a note that was deleted meanwhile brings it back.
      return isShown(vault, id) ? quietly(type) : type()
    },
  }
}
