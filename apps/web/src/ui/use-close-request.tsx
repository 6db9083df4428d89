/** The way back that a device has for what lies over an app: Android's button and gesture close it, instead of leaving the app. */
import { useEffect, useRef } from 'react'

/** https://html.spec.whatwg.org/multipage/interaction.html#closewatcher */
declare const CloseWatcher: (new () => { onclose: (() => void) | null; destroy(): void }) | undefined

/**
 * Asks to be told while `active`. Where a browser has no close watchers there is no such way back either, or Escape is it, which is
 * heard as a key; a key that was taken is no close request as well.
 */
export function useCloseRequest(onClose: () => void, active = true): void {
  const latest = useRef(onClose)
  latest.current = onClose
  useEffect(() => {
    if (!active || typeof CloseWatcher === 'undefined') return
    const watcher = new CloseWatcher()
    watcher.onclose = () => latest.current()
    return () => watcher.destroy()
  }, [active])
}
