/**
 * A text that is open in an editor: the editor has a Yjs document of its own, made from what {@link openText} gives, and
 * hands over its updates as they come. Nothing is lost or doubled if an update is handed over twice, late or after the vault was
 * opened anew by somebody else: so an editor needs to know nothing of who holds the database.
 *
 * | editor | vault |
 * | --- | --- |
 * | begins with `document`, takes a client id of its own | {@link openText} |
 * | has typed: its update | {@link addEdit}, in `Transaction.mergeText` |
 * | the row has changed: its state vector | {@link missingEdits}: what it lacks, or that another base is shown now |
 */
import * as Y from 'yjs'
import type { TextState, TextUpdate } from '#cell'
import { EngineError } from '#errors'
import type { Stamp } from '#hlc'
import { buildDoc, compactUpdates, isYjsUpdate, mergeUpdates, shownBase, TEXT_NAME } from '#text'

/** Which base of a text an editor works on. */
export interface TextPlace {
  /** The base's key. */
  readonly key: number
  readonly base: Stamp
}

export interface OpenedText extends TextPlace {
  /** A Yjs update that makes the whole document, whose text is called {@link TEXT_NAME}. */
  readonly document: Uint8Array
}

/** Updates of one base that are kept apart before they are made one. */
const MOST_UPDATES = 16

/** What is shown of a text, for an editor to begin with; undefined while it has not arrived. */
export function openText(state: TextState): OpenedText | undefined {
  const key = shownBase(state)
  const entry = key === undefined ? undefined : state.get(key)
  if (key === undefined || entry?.base === undefined) return undefined
  const { doc } = buildDoc(key, entry)
  try {
    return { key, base: entry.base.stamp, document: Y.encodeStateAsUpdate(doc) }
  } finally {
    doc.destroy()
  }
}

/** A Yjs update with what an editor lacks; undefined where another base is shown than the one it works on. */
export function missingEdits(state: TextState, key: number, vector: Uint8Array): Uint8Array | undefined {
  const entry = state.get(key)
  if (shownBase(state) !== key || entry === undefined) return undefined
  const { doc } = buildDoc(key, entry)
  try {
    return Y.encodeStateAsUpdate(doc, vector)
  } finally {
    doc.destroy()
  }
}

export interface AddedEdit {
  readonly state: TextState
  /** What is to be sent now: what waited, and what is new. */
  readonly unsent: TextUpdate
  /** The base's text with it. */
  readonly text: string
}

/**
 * Adds an editor's update to a text; `waiting` is what had been added and has not been sent yet. Undefined where nothing of it is
 * new. An editor hands over every letter, so both the text's updates and what waits are made one from time to time.
 * @throws EngineError `bad-value` for what is no update, or builds on one that is not here: the editor then hands over its whole document
 */
export function addEdit(
  state: TextState,
  { key, base }: TextPlace,
  bytes: Uint8Array,
  waiting: readonly Uint8Array[] = [],
): AddedEdit | undefined {
  if (!isYjsUpdate(bytes)) throw new EngineError('bad-value', 'this is no update of a text')
  const entry = state.get(key)
  if (entry?.base === undefined) throw new EngineError('bad-value', 'the text that was edited is not here')
  const { doc, unusable } = buildDoc(key, entry)
  try {
    const pending = () => doc.store.pendingStructs?.update.length ?? 0
    const before = pending()
    const made: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => made.push(update))
    Y.applyUpdate(doc, bytes)
    if (pending() > before) throw new EngineError('bad-value', 'this update of a text builds on one that is not here')
    if (made.length === 0) return undefined
    const text = doc.getText(TEXT_NAME).toString()
    const updates = [...entry.updates, { base, bytes: mergeUpdates(made) }]
    const unsent = mergeUpdates([...waiting, ...made])
    const tidy = updates.length - unusable.length > MOST_UPDATES
    const kept = { base: entry.base, updates: tidy ? compactUpdates(key, { base: entry.base, updates }) : updates }
    return {
      state: new Map([...state, [key, kept]]),
      unsent: { base, bytes: tidy ? compactUnsent(doc, unsent) : unsent },
      text,
    }
  } finally {
    doc.destroy()
  }
}

/** The same insertions in fewer pieces: letters that were typed one after the other become one. */
function compactUnsent(doc: Y.Doc, unsent: Uint8Array): Uint8Array {
  const { from } = Y.parseUpdateMeta(unsent)
  const vector = new Map([...Y.decodeStateVector(Y.encodeStateVector(doc)), ...from])
  const compacted = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(vector))
  // It has every deletion ever made in the text: now and then that is more than it saves.
  return compacted.length < unsent.length ? compacted : unsent
}
