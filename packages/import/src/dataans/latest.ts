/**
 * What a list of Dataans operations comes to: of each space, note and file the last change, by the time of its operation. As the
 * whole object is in each, the earlier ones need not be known, and their order does not matter: of two at one nanosecond the
 * one with the lower id stays, which a client that applies them in the server's order comes to as well.
 *
 * A note's attached files are a value of their own, set by `SetNoteFiles`.
 *
 * Texts are kept up to a number of characters. Of notes beyond it only the digest is, which tells whether the text is needed, and
 * the id of the deciding operation, to read it again.
 */
import { digestOf } from '#dataans/ids'
import type { DataansFile, DataansNote, DataansOperation, DataansSpace } from '#dataans/operation'
import type { SourceNote } from '#dataans/target'
import { toMillis } from '#dataans/timestamp'

/** UTF-16 units. */
const MAX_HELD_TEXT = 8 * 1024 * 1024
/** Of a name, which is only shown; the same as what the app takes. */
const MAX_NAME = 1000

interface Decided {
  /** Unix nanoseconds. */
  readonly at: bigint
  /** Id of the operation that decided. */
  readonly by: string
}

/** Deleted where `value` is undefined, if nothing else is said. */
export interface LatestOf<T> extends Decided {
  readonly value: T | undefined
}

/** `value` is undefined for a deleted note, and for one that is not held. */
export interface LatestNote extends LatestOf<SourceNote> {
  readonly deleted: boolean
  /** A uuid; undefined for a deleted note. */
  readonly space: string | undefined
  /** Of the text; only of a note that is not held. */
  readonly digest: string | undefined
}

/** `value` of a deleted space is what it was: a note that was written later still lies in it. */
export interface LatestSpace extends LatestOf<DataansSpace> {
  readonly deleted: boolean
}

const isLater = (operation: DataansOperation, known: Decided | undefined) =>
  known === undefined || operation.at > known.at || (operation.at === known.at && operation.id < known.by)

export class Latest {
  readonly notes: Map<string, LatestNote> = new Map()
  readonly spaces: Map<string, LatestSpace> = new Map()
  readonly files: Map<string, LatestOf<DataansFile>> = new Map()
  /** Note → ids of its files. */
  readonly noteFiles: Map<string, LatestOf<readonly string[]>> = new Map()
  readonly #spaceIds = new Map<string, string>()
  readonly #maxHeldText: number
  #heldText = 0

  constructor(maxHeldText = MAX_HELD_TEXT) {
    this.#maxHeldText = maxHeldText
  }

  apply(operation: DataansOperation): void {
    const { name, payload } = operation.change
    switch (name) {
      case 'CreateNote':
      case 'UpdateNote':
        this.#setNote(operation, payload.id, payload.is_deleted ? undefined : payload)
        break
      case 'DeleteNote':
        this.#setNote(operation, payload, undefined)
        break
      case 'CreateSpace':
      case 'UpdateSpace':
        this.#setSpace(operation, payload.id, shortName(payload), payload.is_deleted)
        break
      case 'DeleteSpace':
        this.#setSpace(operation, payload, undefined, true)
        break
      case 'CreateFile':
        set(this.files, operation, payload.id, payload.is_deleted ? undefined : { ...shortName(payload), path: '' })
        break
      case 'DeleteFile':
        set(this.files, operation, payload, undefined)
        break
      default:
        set(this.noteFiles, operation, payload[0], [...new Set(payload[1])])
    }
  }

  #setSpace(operation: DataansOperation, id: string, space: DataansSpace | undefined, deleted: boolean): void {
    const known = this.spaces.get(id)
    if (isLater(operation, known)) {
      this.spaces.set(id, { at: operation.at, by: operation.id, deleted, value: space ?? known?.value })
    } else if (known !== undefined && known.value === undefined) this.spaces.set(id, { ...known, value: space })
  }

  #setNote(operation: DataansOperation, id: string, note: DataansNote | undefined): void {
    const known = this.notes.get(id)
    if (!isLater(operation, known)) return
    this.#heldText -= known?.value?.text.length ?? 0
    const isHeld = note !== undefined && this.#heldText + note.text.length <= this.#maxHeldText
    if (isHeld) this.#heldText += note.text.length
    this.notes.set(id, {
      at: operation.at,
      by: operation.id,
      deleted: note === undefined,
      space: note && this.#spaceId(note.space_id),
      digest: note === undefined || isHeld ? undefined : digestOf(note.text),
      value: isHeld ? this.toNote(note) : undefined,
    })
  }

  /** A note goes with its space, unless it was written after that was deleted. */
  isGone({ deleted, space, at }: LatestNote): boolean {
    const known = space === undefined ? undefined : this.spaces.get(space)
    return deleted || (known?.deleted === true && known.at > at)
  }

  toNote({ id, text, space_id, created_at, updated_at }: DataansNote): SourceNote {
    return { id, text, space: this.#spaceId(space_id), createdAt: toMillis(created_at), updatedAt: toMillis(updated_at) }
  }

  /** The one text of all equal ones: there are many notes in few spaces. */
  #spaceId(id: string): string {
    const known = this.#spaceIds.get(id)
    if (known !== undefined) return known
    this.#spaceIds.set(id, id)
    return id
  }
}

function set<T>(registers: Map<string, LatestOf<T>>, operation: DataansOperation, id: string, value: T | undefined): void {
  if (isLater(operation, registers.get(id))) registers.set(id, { at: operation.at, by: operation.id, value })
}

const shortName = <T extends { readonly name: string }>(of: T): T =>
  of.name.length <= MAX_NAME ? of : { ...of, name: of.name.slice(0, MAX_NAME) }
