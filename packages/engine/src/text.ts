/**
 * Collaborative text [CELL-3]: an immutable base and Yjs updates made on it. A `Y.Doc` is built only when a text has
 * updates or is being edited; a text that was only ever written once is just its string.
 *
 * The base's document is made by a client id that is a hash of (tag, text): two devices that import the same file
 * build equal items, and their edits merge. Editing takes a fresh random client id for each loaded document; a reused
 * one would give two different items one name, and replicas diverge for ever.
 */

import { ByteWriter, concatBytes, encodeUtf8 } from '@lockstep/protocol/bytes'
import { sha256 } from '@noble/hashes/sha2.js'
import diff from 'fast-diff'
import * as Y from 'yjs'
import type { TextBase, TextState, TextUpdate } from '#cell'
import type { Stamp } from '#hlc'

/** Name of the text in its Yjs document. */
export const TEXT_NAME = 't'
/** Without a name of its own a document draws a random one, which costs more than the document. */
const DOC_OPTIONS = { gc: true, guid: TEXT_NAME }
const LABEL = encodeUtf8('lockstep/v1/base')
/** Beyond this the middle of a rewritten text is replaced as a whole: a diff would take quadratic time. */
const MAX_DIFF_LENGTH = 20_000

/** Key of a base: the Yjs client id that inserts it, 1 to 2^52. */
export function baseClient(tag: string, text: string): number {
  const hash = sha256(concatBytes(LABEL, new ByteWriter(64 + text.length).text(tag).raw(encodeUtf8(text)).finish()))
  let id = 0
  for (let i = 0; i < 6; i++) id = id * 256 + (hash[i] as number)
  return id * 16 + ((hash[6] as number) >> 4) + 1
}

/** A state with one base and no updates. */
export function textOf(stamp: Stamp, text: string, tag = ''): TextState {
  return new Map([[baseClient(tag, text), { base: { stamp, tag, text }, updates: [] }]])
}

/** The base that is shown: the one with the greatest stamp; on equal stamps the greater key. */
export function shownBase(state: TextState): number | undefined {
  let shown: number | undefined
  let best: Stamp | undefined
  for (const [key, { base }] of state) {
    if (base === undefined) continue
    if (best === undefined || base.stamp > best || (base.stamp === best && key > (shown as number))) {
      shown = key
      best = base.stamp
    }
  }
  return shown
}

interface BuiltDoc {
  /** The caller destroys it. */
  readonly doc: Y.Doc
  /** Updates that are well formed and fit nothing: what a broken writer makes. They are kept, and have no effect. */
  readonly unusable: readonly TextUpdate[]
}

/** A base's document with its updates. */
export function buildDoc(key: number, { base, updates }: TextBase): BuiltDoc {
  try {
    return { doc: applyAll(key, base?.text ?? '', updates), unusable: [] }
  } catch {
    // A document is unusable after an error inside of it: they are told apart by building it again with each.
    const usable: TextUpdate[] = []
    const unusable: TextUpdate[] = []
    for (const update of updates) {
      try {
        applyAll(key, base?.text ?? '', [...usable, update]).destroy()
        usable.push(update)
      } catch {
        unusable.push(update)
      }
    }
    return { doc: applyAll(key, base?.text ?? '', usable), unusable }
  }
}

function applyAll(key: number, text: string, updates: readonly TextUpdate[]): Y.Doc {
  const doc = new Y.Doc(DOC_OPTIONS)
  if (text !== '') {
    const { clientID } = doc
    doc.clientID = key
    doc.getText(TEXT_NAME).insert(0, text)
    doc.clientID = clientID
  }
  // The largest is most likely the one that the others build on. These as one: an update that comes before what it builds on waits in
  // the document, and is merged with all others that wait.
  const [largest, ...others] = [...updates].sort((a, b) => b.bytes.length - a.bytes.length)
  if (largest !== undefined) Y.applyUpdate(doc, largest.bytes)
  if (others.length > 0) Y.applyUpdate(doc, mergeUpdates(others.map(({ bytes }) => bytes)))
  return doc
}

function stateVectorOf(key: number, text: string): Uint8Array {
  return Y.encodeStateVector(new Map(text === '' ? [] : [[key, text.length]]))
}

export interface Materialized {
  readonly text: string
  /** An update's base or predecessors have not arrived: what is shown is not all there is. */
  readonly loading: boolean
  /** Texts that somebody wrote from scratch concurrently, newest first. */
  readonly conflicts: readonly string[]
}

function materializeBase(key: number, entry: TextBase): { text: string; pending: boolean } {
  if (entry.updates.length === 0) return { text: entry.base?.text ?? '', pending: false }
  const { doc, unusable } = buildDoc(key, entry)
  const text = doc.getText(TEXT_NAME).toString()
  const pending = unusable.length > 0 || doc.store.pendingStructs !== null || doc.store.pendingDs !== null
  doc.destroy()
  return { text, pending }
}

/** What people see of a text cell. */
export function materialize(state: TextState): Materialized {
  const shown = shownBase(state)
  let loading = false
  const conflicts: { stamp: Stamp; key: number; text: string }[] = []
  let text = ''
  for (const [key, entry] of state) {
    if (entry.base === undefined) {
      loading ||= entry.updates.length > 0
      continue
    }
    const { text: current, pending } = materializeBase(key, entry)
    loading ||= pending
    if (key === shown) text = current
    else conflicts.push({ stamp: entry.base.stamp, key, text: current })
  }
  conflicts.sort((a, b) => (a.stamp === b.stamp ? b.key - a.key : a.stamp < b.stamp ? 1 : -1))
  return { text, loading, conflicts: conflicts.map((conflict) => conflict.text).filter((other) => other !== text && other !== '') }
}

/**
 * Updates of a base as one, without the base's own insertion: what is stored and sent [CELL-4]. Those that name different
 * stamps for it stay apart: a purge may take some of them and not the others.
 */
export function compactUpdates(key: number, entry: TextBase): readonly TextUpdate[] {
  const [first] = entry.updates
  if (entry.base === undefined || first === undefined || entry.updates.length < 2) return entry.updates
  if (entry.updates.some(({ base }) => base !== first.base)) return mergeByBase(entry.updates)
  const { doc, unusable } = buildDoc(key, entry)
  try {
    return [{ base: first.base, bytes: Y.encodeStateAsUpdate(doc, stateVectorOf(key, entry.base.text)) }, ...unusable]
  } catch {
    // Updates of a broken writer that wait for predecessors which cannot exist: they stay as they are.
    return entry.updates
  } finally {
    doc.destroy()
  }
}

export function compactText(state: TextState): TextState {
  return new Map([...state].map(([key, entry]) => [key, { base: entry.base, updates: compactUpdates(key, entry) }]))
}

export function mergeUpdates(updates: readonly Uint8Array[]): Uint8Array {
  return updates.length === 1 ? (updates[0] as Uint8Array) : Y.mergeUpdates([...updates])
}

function mergeByBase(updates: readonly TextUpdate[]): readonly TextUpdate[] {
  const groups = new Map<Stamp, Uint8Array[]>()
  for (const { base, bytes } of updates) groups.set(base, [...(groups.get(base) ?? []), bytes])
  if (groups.size === updates.length) return updates
  try {
    return [...groups].map(([base, all]) => ({ base, bytes: mergeUpdates(all) }))
  } catch {
    return updates
  }
}

/** True if `update` can be read by Yjs: decoders refuse others before they reach a document. */
export function isYjsUpdate(update: Uint8Array): boolean {
  try {
    Y.decodeUpdate(update)
    return true
  } catch {
    return false
  }
}

const isLowSurrogate = (code: number) => code >= 0xdc00 && code <= 0xdfff

/** Moves an index that would split a surrogate pair of either text to before the pair. */
function prefixLength(a: string, b: string): number {
  const limit = Math.min(a.length, b.length)
  let i = 0
  while (i < limit && a.charCodeAt(i) === b.charCodeAt(i)) i++
  if (i > 0 && (isLowSurrogate(a.charCodeAt(i)) || isLowSurrogate(b.charCodeAt(i)))) i--
  return i
}

function suffixLength(a: string, b: string, from: number): number {
  const limit = Math.min(a.length, b.length) - from
  let i = 0
  while (i < limit && a.charCodeAt(a.length - 1 - i) === b.charCodeAt(b.length - 1 - i)) i++
  if (i > 0 && isLowSurrogate(a.charCodeAt(a.length - i))) i--
  return i
}

export interface Splice {
  readonly at: number
  readonly remove: number
  readonly insert: string
}

const ASTRAL = /[\u{10000}-\u{10ffff}]/gu
const PRIVATE_USE = /[\ue000-\uf8ff]/
const FIRST_PRIVATE = 0xe000
const PRIVATE_COUNT = 0xf8ff - FIRST_PRIVATE + 1

/**
 * A diff of characters, not of UTF-16 units: two characters that share half a surrogate pair have nothing in common, and
 * taking the half for a match would delete and write anew what stands between them.
 */
function diffCharacters(from: string, to: string): [number, string][] {
  const astral = new Set([...(from.match(ASTRAL) ?? []), ...(to.match(ASTRAL) ?? [])])
  if (astral.size === 0 || astral.size > PRIVATE_COUNT || PRIVATE_USE.test(from) || PRIVATE_USE.test(to)) return diff(from, to)
  const stand = new Map([...astral].map((character, i) => [character, String.fromCharCode(FIRST_PRIVATE + i)]))
  const back = new Map([...stand].map(([character, unit]) => [unit, character]))
  const encode = (text: string) => text.replace(ASTRAL, (character) => stand.get(character) as string)
  const decode = (text: string) => text.replace(/[\ue000-\uf8ff]/g, (unit) => back.get(unit) as string)
  return diff(encode(from), encode(to)).map(([operation, text]) => [operation, decode(text)])
}

/**
 * The edits that turn `before` into `after`, to be applied in order; never inside a surrogate pair. What is in both texts is never
 * written anew, however short it is: somebody may be taking it out at the same time, and it must not come back.
 */
export function diffTexts(before: string, after: string): Splice[] {
  if (before === after) return []
  const prefix = prefixLength(before, after)
  const suffix = suffixLength(before, after, prefix)
  const from = before.slice(prefix, before.length - suffix)
  const to = after.slice(prefix, after.length - suffix)
  if (from === '' || to === '' || from.length + to.length > MAX_DIFF_LENGTH)
    return [{ at: prefix, remove: from.length, insert: to }]
  const splices: Splice[] = []
  let at = prefix
  for (const [operation, text] of diffCharacters(from, to)) {
    if (operation === diff.EQUAL) {
      at += text.length
    } else if (operation === diff.INSERT) {
      splices.push({ at, remove: 0, insert: text })
      at += text.length
    } else {
      splices.push({ at, remove: text.length, insert: '' })
    }
  }
  return splices
}

export interface TextEdit {
  /** Of the base that was edited. */
  readonly key: number
  readonly update: TextUpdate
  /** The document's clock for the edit's client after it. */
  readonly clock: number
}

/** The client id for an edit of the base `key`, 1 to 2^52; `clockOf` tells the document's clock for a client, 0 for a new one. */
export type ChooseClient = (key: number, clockOf: (client: number) => number) => number

/**
 * Edits the shown base so that the text becomes `after`, as a diff [CELL-3]. `client`: one that was never used before, or whose
 * last edit is where the document ends for it. Returns the Yjs update of the edit, or undefined where nothing changes or
 * there is no base yet.
 */
export function editText(state: TextState, after: string, client: number | ChooseClient): TextEdit | undefined {
  const key = shownBase(state)
  if (key === undefined) return undefined
  const entry = state.get(key) as TextBase
  const { doc } = buildDoc(key, entry)
  try {
    const text = doc.getText(TEXT_NAME)
    const splices = diffTexts(text.toString(), after)
    if (splices.length === 0) return undefined
    const clockOf = (id: number) => Y.getState(doc.store, id)
    doc.clientID = typeof client === 'number' ? client : client(key, clockOf)
    // The event carries just this transaction; encodeStateAsUpdate would add every deletion ever made.
    let update: Uint8Array | undefined
    doc.on('update', (made: Uint8Array) => {
      update = made
    })
    doc.transact(() => {
      for (const { at, remove, insert } of splices) {
        if (remove > 0) text.delete(at, remove)
        if (insert !== '') text.insert(at, insert)
      }
    })
    if (update === undefined) return undefined
    const { stamp } = entry.base as NonNullable<TextBase['base']>
    return { key, update: { base: stamp, bytes: update }, clock: clockOf(doc.clientID) }
  } finally {
    doc.destroy()
  }
}
