/** A note's text in place, for editing: what others write meanwhile appears in it. */
import type { EditorView } from '@codemirror/view'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { createView } from '#editor/create-view'
import { t } from '#strings/strings'
import { addBelow, openTextSession, type TextSession } from '#text/text-session'
import { useTellFailure } from '#ui/toasts'
import { useChanges, useVault } from '#ui/vault'

interface EditorProps {
  readonly id: string
  /**
   * @param text as it is when editing ends; undefined where there was no text to edit
   * @param stored resolves when that is in the vault, or cannot be
   */
  readonly onDone: (text?: string, stored?: Promise<unknown>) => void
}

export default function Editor({ id, onDone }: EditorProps) {
  const vault = useVault()
  const tellFailure = useTellFailure()
  const parent = useRef<HTMLDivElement>(null)
  /** Has the focus until the text is there, so that nothing that is typed at once is lost. */
  const ahead = useRef<HTMLTextAreaElement>(null)
  const [open, setOpen] = useState(false)
  const session = useRef<TextSession>(undefined)
  /** Counts how often the text was begun anew under the editor. */
  const [round, setRound] = useState(0)
  /** What had been typed into a text that was then begun anew, until the person says what becomes of it. */
  const [left, setLeft] = useState<string>()
  const done = useRef(() => {})
  useLayoutEffect(() => ahead.current?.focus({ preventScroll: true }), [])
  useEffect(() => {
    done.current = () => {
      // Only a decision drops it.
      if (left !== undefined && session.current !== undefined) addBelow(session.current.text, left)
      onDone(session.current?.text.toString(), session.current?.stored())
    }
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: a session lasts for one note and one round
  useEffect(() => {
    let view: EditorView | undefined
    let ended = false
    void openTextSession({ vault, id, now: Date.now, onError: tellFailure }).then((opened) => {
      if (opened === undefined || ended || parent.current === null) return void opened?.close()
      session.current = opened
      view = createView({ parent: parent.current, session: opened, label: t.edit, onDone: () => done.current() })
      const early = ahead.current?.value ?? ''
      if (early !== '') opened.text.insert(opened.text.length, early)
      view.dispatch({ selection: { anchor: opened.text.length } })
      view.focus()
      setOpen(true)
      setLeft((text) => (text !== undefined && opened.text.toString().includes(text) ? undefined : text))
    })
    return () => {
      ended = true
      view?.destroy()
      void session.current?.close()
      session.current = undefined
    }
  }, [id, round])

  useChanges(['notes'], () => {
    const open = session.current
    void open?.catchUp().then((same) => {
      if (same || open !== session.current) return
      if (open.typed) setLeft(open.text.toString())
      setRound((count) => count + 1)
    })
  })

  function settle(keep: boolean): void {
    if (keep && left !== undefined && session.current !== undefined) addBelow(session.current.text, left)
    setLeft(undefined)
  }
  return (
    <div className="editor">
      {left !== undefined && (
        <aside className="conflict" role="alert">
          <p>{t.anewTitle}</p>
          <pre>{left}</pre>
          <div className="row">
            <button type="button" onClick={() => settle(true)}>
              {t.keepBoth}
            </button>
            <button type="button" onClick={() => settle(false)}>
              {t.anewDrop}
            </button>
          </div>
        </aside>
      )}
      {!open && (
        <textarea
          ref={ahead}
          className="sr-only"
          aria-label={t.edit}
          onKeyDown={(event) => {
            if (event.key === 'Escape') done.current()
          }}
        />
      )}
      <div ref={parent} />
      <button type="button" className="primary" onClick={() => done.current()}>
        {t.done}
      </button>
    </div>
  )
}
