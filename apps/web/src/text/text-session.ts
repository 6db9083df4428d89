/**
 * A note's text, open in an editor. Its Yjs document takes what is typed and what others write; what is typed is handed over as
 * soon as the one before has been stored, and again if nobody knows whether it was (handing over twice changes nothing). Until it
 * is stored, this browser keeps it beside the vault: the tab may be closed at any letter.
 */

import { noteTitle } from '@lockstep/model/note-title'
import * as Y from 'yjs'
import type { HostClient } from '#host/methods'
import { keepTyping } from '#local/unsaved-typing'
import { openTexts } from '#text/open-texts'

/** Name of the text in its document, as the engine has it. */
const TEXT = 't'
const FROM_VAULT = 'vault'

export interface TextSession {
  readonly doc: Y.Doc
  readonly text: Y.Text
  /** Something was typed in it. */
  readonly typed: boolean
  /** Resolves when everything typed so far is stored, or cannot be: then with false. */
  stored(): Promise<boolean>
  /** Others may have written. False where the text was begun anew, by a restore for one: open it again. */
  catchUp(): Promise<boolean>
  close(): Promise<void>
}

export interface TextSessionOptions {
  readonly vault: Pick<HostClient, 'openText' | 'missingEdits' | 'typeText' | 'titleNote'>
  readonly id: string
  readonly now: () => number
  /** What was typed cannot be stored; it stays in the document and is tried again with the next letter. */
  readonly onError: (error: Error) => void
}

/** @returns undefined where there is no such text, or it has not arrived */
export async function openTextSession({ vault, id, now, onError }: TextSessionOptions): Promise<TextSession | undefined> {
  // Also what was typed just now, in an editor that has been closed since.
  await openTexts.stored()
  const opened = await vault.openText(id)
  if (opened === undefined) return undefined
  const { key, base, document, titleFollows } = opened
  const doc = new Y.Doc()
  Y.applyUpdate(doc, document, FROM_VAULT)
  const text = doc.getText(TEXT)
  const editor = crypto.randomUUID()
  /** Not stored yet, in the order of typing; the first of them may be on their way. */
  let waiting: Uint8Array[] = []
  let typed = false
  let running: Promise<void> | undefined

  const title = () => noteTitle(text.toString())
  const unsaved = () => ({ id, key, base, update: Y.mergeUpdates(waiting), title: titleFollows ? title() : undefined, now: now() })
  const keep = () => keepTyping(editor, waiting.length === 0 ? undefined : unsaved())
  async function handOver(): Promise<void> {
    while (waiting.length > 0) {
      const count = waiting.length
      try {
        await vault.typeText(unsaved())
      } catch (error) {
        onError(error as Error)
        return
      }
      waiting = waiting.slice(count)
      keep()
    }
  }
  function store(): Promise<void> {
    running ??= handOver().finally(() => {
      running = undefined
    })
    return running
  }
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === FROM_VAULT) return
    typed = true
    waiting.push(update)
    keep()
    void store()
  })
  const session: TextSession = {
    doc,
    text,
    get typed() {
      return typed
    },
    async stored() {
      if (waiting.length > 0 || running !== undefined) await store()
      return waiting.length === 0
    },
    async catchUp() {
      const missing = await vault.missingEdits(id, { key, vector: Y.encodeStateVector(doc) })
      if (missing === undefined) return false
      Y.applyUpdate(doc, missing, FROM_VAULT)
      // Of two who write at once, each has given the title of a text that was not whole. It is no edit where it fits already.
      if (typed && titleFollows) vault.titleNote(id, title(), now()).catch(onError)
      return true
    },
    async close() {
      await session.stored()
      openTexts.remove(session)
      doc.destroy()
    },
  }
  openTexts.add(session)
  return session
}

/** Puts a text that stood beside another below it. */
export function addBelow(text: Y.Text, other: string): void {
  text.insert(text.length, text.length === 0 ? other : `\n\n${other}`)
}
