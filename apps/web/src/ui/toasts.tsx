/** Short notices over the page, read out by screen readers, with an undo where there is one. */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from 'react'
import { t } from '#strings/strings'
import { failureText } from '#text/failure-text'

export interface Toast {
  readonly text: string
  readonly undo?: () => void
  /** It has gone, and nobody took it back: what was put off until then is done. */
  readonly onGone?: () => void
}

const SHOWN_MILLISECONDS = 8000
const Context = createContext<(toast: Toast) => void>(() => {})

export const useToast = () => useContext(Context)

/** Tells what failed, for the end of a promise. */
export function useTellFailure(): (failure: unknown) => void {
  const toast = useToast()
  return useCallback((failure) => toast({ text: failureText(failure) }), [toast])
}

interface Shown extends Toast {
  readonly id: number
}

export function Toasts({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<readonly Shown[]>([])
  const last = useRef(0)
  const remove = useCallback((id: number) => setShown((all) => all.filter((toast) => toast.id !== id)), [])
  const show = useCallback(
    (toast: Toast) => {
      const id = ++last.current
      let undone = false
      const undo = () => {
        undone = true
        toast.undo?.()
      }
      setShown((all) => [...all.slice(-2), { text: toast.text, ...(toast.undo && { undo }), id }])
      setTimeout(() => {
        remove(id)
        if (!undone) toast.onGone?.()
      }, SHOWN_MILLISECONDS)
    },
    [remove],
  )
  const list = useMemo(
    () =>
      shown.map(({ id, text, undo }) => (
        <div className="toast" key={id}>
          <span>{text}</span>
          {undo && (
            <button
              type="button"
              className="link"
              onClick={() => {
                undo()
                remove(id)
              }}
            >
              {t.undo}
            </button>
          )}
        </div>
      )),
    [shown, remove],
  )
  return (
    <Context value={show}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {list}
      </div>
    </Context>
  )
}
