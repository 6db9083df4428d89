/** Keys that run commands, wherever the focus is. */
import { useLayoutEffect, useRef } from 'react'
import { chordOf, typesText } from '#keys/chord'
import { type Command, commandAt } from '#keys/commands'
import { useShortcutKeys } from '#local/shortcuts'

export const WRITES = 'input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]'

/** @param paused somebody is choosing keys */
export function useCommandKeys(run: (command: Command) => void, paused: boolean): void {
  const shortcuts = useShortcutKeys()
  const current = useRef(run)
  useLayoutEffect(() => {
    current.current = run
  })
  // As soon as somebody sees the app, its keys work.
  useLayoutEffect(() => {
    if (paused) return
    const onKeyDown = (event: KeyboardEvent) => {
      const chord = event.isComposing ? undefined : chordOf(event)
      const command = chord === undefined ? undefined : commandAt(shortcuts, chord)
      if (chord === undefined || command === undefined) return
      if (typesText(chord) && event.target instanceof Element && event.target.closest(WRITES) !== null) return
      event.preventDefault()
      // An editor may know the same keys for something else.
      event.stopPropagation()
      current.current(command)
    }
    addEventListener('keydown', onKeyDown, true)
    return () => removeEventListener('keydown', onKeyDown, true)
  }, [shortcuts, paused])
}
