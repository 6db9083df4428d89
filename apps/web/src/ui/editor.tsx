/** A note's text in place, for editing: what others write meanwhile appears in it, and undo takes back only what was typed here. */
import { defaultKeymap, historyKeymap, indentWithTab } from '@codemirror/commands'
import { markdown, markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown'
import { defaultHighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { useEffect, useRef, useState } from 'react'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { UndoManager } from 'yjs'
import { t } from '#strings/strings'
import { openTextSession, type TextSession } from '#text/text-session'
import { useToast } from '#ui/toasts'
import { useChanges, useVault } from '#ui/vault'

interface EditorProps {
  readonly id: string
  readonly onDone: () => void
}

function createView(parent: HTMLElement, { text }: TextSession, onDone: () => void): EditorView {
  const undoManager = new UndoManager(text)
  const finish = () => {
    onDone()
    return true
  }
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: text.toString(),
      extensions: [
        keymap.of([
          { key: 'Escape', run: finish },
          { key: 'Mod-Enter', run: finish },
          ...markdownKeymap,
          ...yUndoManagerKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': t.edit, spellcheck: 'true' }),
        markdown({ base: markdownLanguage }),
        syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
        yCollab(text, null, { undoManager }),
      ],
    }),
  })
}

export default function Editor({ id, onDone }: EditorProps) {
  const vault = useVault()
  const toast = useToast()
  const parent = useRef<HTMLDivElement>(null)
  const session = useRef<TextSession>(undefined)
  /** Counts how often the text was begun anew under the editor. */
  const [round, setRound] = useState(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a session lasts for one note and one round
  useEffect(() => {
    let view: EditorView | undefined
    let ended = false
    const onError = (error: Error) => toast({ text: error.message })
    void openTextSession({ vault, id, now: Date.now, onError }).then((opened) => {
      if (opened === undefined || ended || parent.current === null) return void opened?.close()
      session.current = opened
      view = createView(parent.current, opened, onDone)
      view.focus()
      view.dispatch({ selection: { anchor: view.state.doc.length } })
    })
    return () => {
      ended = true
      view?.destroy()
      void session.current?.close()
      session.current = undefined
    }
  }, [id, round])

  useChanges(['notes'], () => {
    void session.current?.catchUp().then((same) => {
      if (!same) setRound((count) => count + 1)
    })
  })
  return (
    <div className="editor">
      <div ref={parent} />
      <button type="button" className="primary" onClick={onDone}>
        {t.done}
      </button>
    </div>
  )
}
