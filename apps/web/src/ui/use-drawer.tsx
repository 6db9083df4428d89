/**
 * Where the spaces are: beside the notes, or away; on a narrow screen in a drawer over the notes, which has the focus while it is
 * open and gives it back.
 */
import { type RefObject, useEffect, useRef, useState } from 'react'
import { keepHidden, readHidden } from '#local/sidebar'
import { useNarrow } from '#ui/media'
import { useCloseRequest } from '#ui/use-close-request'

export interface Drawer {
  readonly element: RefObject<HTMLElement | null>
  /** The button that opens it. */
  readonly button: RefObject<HTMLButtonElement | null>
  /** Of the whole app. */
  readonly className: string
  readonly isShown: boolean
  /** Nothing but it can be used. */
  readonly isOver: boolean
  open(): void
  close(): void
  toggle(): void
}

export function useDrawer(): Drawer {
  const narrow = useNarrow()
  const [over, setOver] = useState(false)
  const [hidden, setHidden] = useState(readHidden)
  const element = useRef<HTMLElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const isOver = narrow && over
  useCloseRequest(() => setOver(false), isOver)
  const hide = (next: boolean) => {
    setHidden(next)
    keepHidden(next)
  }

  useEffect(() => {
    if (!isOver) return
    const back = button.current
    const { current: nav } = element
    const inside = nav?.contains(document.activeElement) === true
    if (!inside) (nav?.querySelector<HTMLElement>('[aria-current]') ?? nav?.querySelector<HTMLElement>('button'))?.focus()
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && nav?.contains(document.activeElement)) setOver(false)
    }
    addEventListener('keydown', onKeyDown)
    return () => {
      removeEventListener('keydown', onKeyDown)
      // What was chosen in it may have taken the focus already.
      if (document.activeElement === document.body || nav?.contains(document.activeElement)) back?.focus()
    }
  }, [isOver])

  return {
    element,
    button,
    className: ['app', isOver && 'with-sidebar', !narrow && hidden && 'without-sidebar'].filter(Boolean).join(' '),
    isShown: narrow ? over : !hidden,
    isOver,
    open: () => (narrow ? setOver(true) : hide(false)),
    close: () => setOver(false),
    toggle: () => (narrow ? setOver(!over) : hide(!hidden)),
  }
}
