/**
 * Where Dataans' spaces and notes go, whether they come from its server or from its export: both name the same objects by the
 * same ids, so a row's id is the object's, and importing one after the other makes no duplicates.
 *
 * What is done with an object (`source` of a row remembers what was last imported; "edited" is compared with that):
 *
 * | here | there | then |
 * | --- | --- | --- |
 * | is not here | | it is added; what is deleted there stays out |
 * | is here, edited since or not | as last imported | nothing: what people did since stays, in the trash too |
 * | is here | changed | the text becomes theirs (as a diff; the earlier text is in the history); out of the trash |
 * | is here as imported | deleted since | it goes to the trash |
 * | is here, edited since | deleted since | it stays, and is counted |
 * | was taken back out of the trash | deleted as before | it stays |
 *
 * A note moves with its space there unless it was moved here, and keeps a title that somebody gave it. A space is taken by its
 * own id, never by a name. A deleted one goes to the trash when nothing is shown in it any more.
 */
import type { Row } from '@lockstep/engine/driver'
import { MAX_VALUE_BYTES, type Transaction } from '@lockstep/engine/transaction'
import { noteTitle, titleFollows } from '@lockstep/model/note-title'
import type { LockstepVault, Tables } from '@lockstep/model/schema'
import { digestOf, rowIdOf } from '#dataans/ids'
import type { OnAdded } from '#pace'
import type { Refusals } from '#refusals'

/** Times are Unix milliseconds. */
export interface SourceSpace {
  /** A uuid. */
  readonly id: string
  readonly name: string
  /** Is here only for what lies in it. */
  readonly deleted: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export interface SourceNote {
  /** A uuid. */
  readonly id: string
  readonly space: string
  readonly text: string
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Outcomes {
  /** Spaces made. */
  spaces: number
  added: number
  updated: number
  unchanged: number
  /** Of the unchanged ones, those that are in the trash, or whose space is. */
  inTrash: number
  /** Notes and spaces that were deleted there since, and are in the trash now. */
  trashed: number
  /** Notes and spaces that were deleted there since, and stay because of what was written in them later. */
  kept: number
}

/** `source` of a row that went to the trash because it was deleted there. */
const DELETED = 'deleted'
const MAX_NAME = 200
const UNNAMED = 'Dataans'
const NO_SPACE = '00000000-0000-0000-0000-000000000000'

type Writer = Transaction<Tables>

/** One line without control characters. */
function spaceName(name: string): string {
  const clean = name
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
  return (clean.length <= MAX_NAME ? clean : clean.slice(0, MAX_NAME).replace(/[\ud800-\udbff]$/, '')) || UNNAMED
}

const KNOWN_NOTE = `SELECT source, title, text, space, updatedAt, _deleted, EXISTS (SELECT 1 FROM notes v WHERE v.id = n.id) AS visible
  FROM all_notes n WHERE id = ?`

export class DataansTarget {
  readonly outcomes: Outcomes = { spaces: 0, added: 0, updated: 0, unchanged: 0, inTrash: 0, trashed: 0, kept: 0 }
  readonly #vault: LockstepVault
  readonly #spaces: ReadonlyMap<string, SourceSpace>
  readonly #refusals: Refusals
  readonly #now: number
  readonly #onAdded: OnAdded | undefined

  /** `spaces`: all there are, by id. */
  constructor(options: {
    readonly vault: LockstepVault
    readonly spaces: ReadonlyMap<string, SourceSpace>
    readonly refusals: Refusals
    /** Unix milliseconds. */
    readonly now: number
    readonly onAdded?: OnAdded | undefined
  }) {
    this.#vault = options.vault
    this.#spaces = options.spaces
    this.#refusals = options.refusals
    this.#now = options.now
    this.#onAdded = options.onAdded
  }

  /** Makes those that are missing and renames those that were renamed there. */
  takeSpaces(tx: Writer): void {
    for (const space of this.#spaces.values()) {
      if (space.deleted) continue
      const id = rowIdOf(space.id)
      const known = tx.get('spaces', id)
      const name = spaceName(space.name)
      if (known === undefined) this.#addSpace(tx, id, space)
      else if (known.source !== digestOf(name)) {
        const updatedAt = Math.max(this.#time(space.updatedAt), known.updatedAt)
        tx.update('spaces', id, { name, source: digestOf(name), updatedAt })
      }
    }
  }

  #addSpace(tx: Writer, id: string, space: SourceSpace): void {
    const name = spaceName(space.name)
    const createdAt = this.#time(space.createdAt)
    tx.put('spaces', id, { name, source: digestOf(name), createdAt, updatedAt: Math.max(createdAt, this.#time(space.updatedAt)) })
    this.outcomes.spaces++
    this.#onAdded?.('spaces', id)
  }

  /** Counts a note that is here as last imported, by its text's digest; false where the text is needed. */
  passUnchanged(note: { readonly id: string; readonly digest: string; readonly space: string }): boolean {
    const [known] = this.#vault.query(KNOWN_NOTE, rowIdOf(note.id))
    return this.#isUnchanged(known, `${note.digest}.${this.#spaceRow(note.space)}`)
  }

  #isUnchanged(known: Row | undefined, source: string): boolean {
    if (known?.['source'] !== source) return false
    this.outcomes.unchanged++
    if (known['visible'] !== 1) this.outcomes.inTrash++
    return true
  }

  takeNote(tx: Writer, note: SourceNote): void {
    if (new TextEncoder().encode(note.text).length > MAX_VALUE_BYTES) {
      this.#refusals.add(`note ${note.id}`, `is over the limit of ${MAX_VALUE_BYTES / 1024 / 1024} MiB for one note`)
      return
    }
    const id = rowIdOf(note.id)
    const space = this.#spaceRow(note.space)
    const text = note.text.toWellFormed()
    const source = `${digestOf(text)}.${space}`
    const [known] = this.#vault.query(KNOWN_NOTE, id)
    if (this.#isUnchanged(known, source)) return
    // Dataans' notes have no titles.
    const title = noteTitle(text)
    const updatedAt = this.#time(note.updatedAt)
    if (known === undefined) {
      this.#ensureSpace(tx, note.space)
      tx.put('notes', id, { space, title, text, source, createdAt: this.#time(note.createdAt), updatedAt })
      this.outcomes.added++
      this.#onAdded?.('notes', id)
      return
    }
    const wasMoved = known['space'] !== importedSpace(known['source'])
    const isTitled = !titleFollows({ title: String(known['title']), text: String(known['text']) })
    if (!wasMoved || known['visible'] !== 1) this.#ensureSpace(tx, note.space)
    tx.update('notes', id, {
      text,
      source,
      title: isTitled ? undefined : title,
      space: wasMoved && known['visible'] === 1 ? undefined : space,
      updatedAt: Math.max(updatedAt, Number(known['updatedAt'])),
    })
    this.outcomes.updated++
  }

  #space(uuid: string): SourceSpace {
    // Notes of a space that nobody described get one for them all.
    return this.#spaces.get(uuid) ?? { id: NO_SPACE, name: UNNAMED, deleted: false, createdAt: this.#now, updatedAt: this.#now }
  }

  #spaceRow(uuid: string): string {
    return rowIdOf(this.#space(uuid).id)
  }

  /** Makes the space, or takes it out of the trash. */
  #ensureSpace(tx: Writer, uuid: string): void {
    const id = this.#spaceRow(uuid)
    const known = tx.get('spaces', id)
    if (known === undefined) this.#addSpace(tx, id, this.#space(uuid))
    else if (known._deleted) tx.restore('spaces', id)
  }

  /** A note that is deleted there. */
  removeNote(tx: Writer, uuid: string): void {
    const id = rowIdOf(uuid)
    const [known] = this.#vault.query(KNOWN_NOTE, id)
    if (known === undefined || known['_deleted'] === 1 || known['source'] === DELETED) return
    if (String(known['source']).split('.')[0] !== digestOf(String(known['text']))) {
      this.outcomes.kept++
      return
    }
    tx.delete('notes', id, { source: DELETED })
    this.outcomes.trashed++
  }

  /** A space that is deleted there; after its notes. */
  removeSpace(tx: Writer, uuid: string): void {
    const id = rowIdOf(uuid)
    const known = tx.get('spaces', id)
    if (known === undefined || known._deleted || known.source === DELETED) return
    const inUse = this.#vault.query('SELECT 1 FROM notes WHERE space = ? LIMIT 1', id).length > 0
    if (inUse || known.source !== digestOf(known.name)) {
      this.outcomes.kept++
      return
    }
    tx.delete('spaces', id, { source: DELETED })
    this.outcomes.trashed++
  }

  /** What comes from the future would stay ahead of every edit in lists by time. */
  #time(millis: number): number {
    return Math.max(0, Math.min(this.#now, millis))
  }
}

/** Row id of the space that a note was in there when it was last imported. */
const importedSpace = (source: unknown) => String(source).split('.')[1]
