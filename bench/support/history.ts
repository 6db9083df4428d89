/**
 * Years of edits as the segments that several devices would have pushed, made without those devices' databases: with
 * them a million edits would take an hour. Texts are edited and segments written and sealed by the engine's own code, and
 * whoever downloads them must end up with the notes that are kept here.
 */
import { hash } from 'node:crypto'
import { type Cell, DELETED, lwwCell, type RowDelta, type Scalar, type TextBase, toRowId } from '@lockstep/engine/cell'
import { ContentEncoder } from '@lockstep/engine/content-encoder'
import { makeStamp, type ReplicaId, type Stamp } from '@lockstep/engine/hlc'
import { KIND } from '@lockstep/engine/schema'
import type { Sealer } from '@lockstep/engine/sealing'
import { buildDoc, diffTexts, textOf } from '@lockstep/engine/text'
import { fromHex, toHex } from '@lockstep/protocol/bytes'
import { SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { Random } from '../../tests/support/random.ts'
import { drawEdit, rewriteText, SPACES } from './edits.ts'
import { digestNote, type NotePrint } from './note-print.ts'
import { type GeneratedNote, noteSource } from './notes.ts'
import { Writer } from './words.ts'

const YEARS = 3
const YEAR_MILLIS = 365 * 24 * 3_600_000
/** Segments that one device pushes before another one is used. */
const SHORTEST_STAY = 20
const LONGEST_STAY = 200

export interface HistoryOptions {
  readonly sealer: Sealer
  readonly seed: number
  readonly notes: number
  readonly edits: number
  readonly devices: number
}

interface Author {
  readonly replica: ReplicaId
  counter: number
  previous: Uint8Array
  /** Counters of the others that its segments have named. */
  readonly told: Map<ReplicaId, number>
}

interface Note {
  readonly id: string
  title: string
  text: string
  /** Key and stamp of its text's one base, and the document [CELL-3]. */
  readonly key: number
  readonly base: Stamp
  readonly doc: ReturnType<typeof buildDoc>['doc']
  pinned: number
  deleted: boolean
}

export class History {
  readonly #sealer: Sealer
  readonly #random: Random
  readonly #writer: Writer
  readonly #next: () => GeneratedNote
  readonly #authors: readonly Author[]
  readonly #notes: Note[] = []
  readonly #spaces: readonly string[]
  readonly #wanted: number
  /** Milliseconds from one edit to the next, on average. */
  readonly #step: number
  #now: number
  readonly #start: number
  #edits = 0
  #author: Author
  #stay = 0
  #textEdits = 0

  constructor({ sealer, seed, notes, edits, devices }: HistoryOptions) {
    this.#sealer = sealer
    this.#random = new Random(seed)
    this.#writer = new Writer(this.#random.fork())
    this.#next = noteSource(seed, 'mixed')
    this.#authors = Array.from({ length: devices }, () => ({
      replica: toHex(this.#random.bytes(16)) as ReplicaId,
      counter: 0,
      previous: new Uint8Array(32),
      told: new Map(),
    }))
    this.#author = this.#authors[0] as Author
    this.#spaces = Array.from({ length: SPACES }, () => toRowId(this.#random.bytes(16)))
    this.#wanted = notes
    this.#start = Date.now() - YEARS * YEAR_MILLIS
    this.#now = this.#start
    this.#step = (YEARS * YEAR_MILLIS) / (edits + 1)
  }

  get textEdits(): number {
    return this.#textEdits
  }

  /** The notes that are not in the trash, as every device must show them. */
  prints(): NotePrint[] {
    return this.#notes.filter(({ deleted }) => !deleted).map(({ id, title, text }) => ({ id, digest: digestNote({ title, text }) }))
  }

  /** The next segment of the log, with so many edits; the first ones write the notes. */
  async segment(edits: number): Promise<SegmentRecord> {
    const { replica, counter, previous } = this.#changeAuthor()
    const { epoch } = this.#sealer
    const rows: RowDelta[] = []
    if (this.#notes.length === 0) rows.push(...this.#writeSpaces())
    const touched = new Set<Note>()
    for (let i = 0; i < edits; i++) {
      this.#now = this.#start + (this.#edits + this.#random.float()) * this.#step
      this.#edits++
      const stamp = makeStamp(Math.floor(this.#now), 0, replica)
      rows.push(this.#notes.length < this.#wanted ? this.#writeNote(stamp) : this.#edit(stamp, touched))
    }
    const seen = this.#newlySeen()
    const header = { replica, wallClock: Math.floor(this.#now), epoch, bundleVersion: 1, seen, covers: [], run: undefined }
    const encoder = new ContentEncoder(header)
    for (const row of rows) encoder.add(row)
    const place = { kind: SEGMENT_KIND.delta, epoch, replica: fromHex(replica), counter: counter + 1 }
    const sealed = await this.#sealer.seal(place, encoder.finish(counter + 1, previous))
    this.#author.counter++
    this.#author.previous = hash('sha256', sealed, 'buffer')
    return { ...place, previous, sealed }
  }

  #changeAuthor(): Author {
    if (this.#stay === 0) {
      this.#author = this.#random.pick(this.#authors)
      this.#stay = this.#random.between(SHORTEST_STAY, LONGEST_STAY)
    }
    this.#stay--
    return this.#author
  }

  #newlySeen(): [ReplicaId, number][] {
    const { told } = this.#author
    const seen: [ReplicaId, number][] = []
    for (const { replica, counter } of this.#authors) {
      if (replica === this.#author.replica || counter === (told.get(replica) ?? 0)) continue
      told.set(replica, counter)
      seen.push([replica, counter])
    }
    return seen
  }

  #cells(stamp: Stamp, values: Readonly<Record<string, Scalar>>): Map<string, Cell> {
    return new Map(Object.entries({ ...values, [DELETED]: 0 }).map(([name, value]) => [name, lwwCell(stamp, value)]))
  }

  #writeSpaces(): RowDelta[] {
    const now = Math.floor(this.#now)
    const stamp = makeStamp(now, 0, this.#author.replica)
    return this.#spaces.map((id) => {
      const name = this.#writer.text(this.#random.between(5, 15))
      return { table: 'spaces', id, cells: this.#cells(stamp, { name, createdAt: now, updatedAt: now }) }
    })
  }

  #writeNote(stamp: Stamp): RowDelta {
    const { title, text } = this.#next()
    const id = toRowId(this.#random.bytes(16))
    const now = Math.floor(this.#now)
    const state = textOf(stamp, text)
    const [[key, entry]] = [...state] as [[number, TextBase]]
    this.#notes.push({ id, title, text, key, base: stamp, doc: buildDoc(key, entry).doc, pinned: 0, deleted: false })
    const cells = this.#cells(stamp, { space: this.#random.pick(this.#spaces), title, createdAt: now, updatedAt: now })
    return { table: 'notes', id, cells: cells.set('text', { kind: KIND.text, value: state }) }
  }

  /** A note is edited at most once in a segment: a device would send two edits of it as one. */
  #edit(stamp: Stamp, touched: Set<Note>): RowDelta {
    let note = this.#random.pick(this.#notes)
    while (touched.has(note)) note = this.#random.pick(this.#notes)
    touched.add(note)
    return { table: 'notes', id: note.id, cells: this.#change(note, stamp) }
  }

  #change(note: Note, stamp: Stamp): Map<string, Cell> {
    const kind = drawEdit(this.#random)
    const updatedAt = Math.floor(this.#now)
    if (note.deleted || kind === 'delete') {
      note.deleted = !note.deleted
      return note.deleted ? new Map([[DELETED, lwwCell(stamp, 1)]]) : this.#cells(stamp, { updatedAt })
    }
    if (kind === 'title') {
      note.title = this.#writer.text(this.#random.between(12, 40))
      return this.#cells(stamp, { title: note.title, updatedAt })
    }
    if (kind === 'pin') {
      note.pinned = 1 - note.pinned
      return this.#cells(stamp, { pinned: note.pinned, updatedAt })
    }
    if (kind === 'move') return this.#cells(stamp, { space: this.#random.pick(this.#spaces), updatedAt })
    return this.#editText(note, stamp, updatedAt)
  }

  #editText(note: Note, stamp: Stamp, updatedAt: number): Map<string, Cell> {
    const after = rewriteText(this.#random, this.#writer, note.text)
    const cells = this.#cells(stamp, { updatedAt })
    const splices = diffTexts(note.text, after)
    if (splices.length === 0) return cells
    note.text = after
    this.#textEdits++
    const { doc, key, base } = note
    let bytes: Uint8Array = new Uint8Array(0)
    const keep = (made: Uint8Array) => {
      bytes = made
    }
    // 52 bits of randomness, as devices draw them: what they take cannot be compressed.
    doc.clientID = 1 + this.#random.below(2 ** 26) * 2 ** 26 + this.#random.below(2 ** 26)
    doc.on('update', keep)
    doc.transact(() => {
      for (const { at, remove, insert } of splices) {
        const text = doc.getText('t')
        if (remove > 0) text.delete(at, remove)
        if (insert !== '') text.insert(at, insert)
      }
    })
    doc.off('update', keep)
    return cells.set('text', { kind: KIND.text, value: new Map([[key, { base: undefined, updates: [{ base, bytes }] }]]) })
  }
}
