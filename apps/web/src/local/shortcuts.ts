/** The keys that this browser's person chose; what they did not choose stays with the app. */
import { useSyncExternalStore } from 'react'
import { COMMAND_NAMES, COMMANDS, type Command, type Shortcuts, withChosen } from '#keys/commands'

const KEY = 'lockstep/shortcuts'
const listeners = new Set<() => void>()
let shortcuts: Shortcuts = read()

function read(): Shortcuts {
  try {
    return withChosen(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return withChosen({})
  }
}

function keep(next: Shortcuts): void {
  shortcuts = next
  const chosen = COMMAND_NAMES.filter((command) => next[command] !== COMMANDS[command]).map((command) => [command, next[command]])
  try {
    if (chosen.length === 0) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(chosen)))
  } catch {
    // It then holds until the page is closed.
  }
  for (const listener of listeners) listener()
}

/** @param chord empty: none */
export const chooseShortcut = (command: Command, chord: string): void => keep({ ...shortcuts, [command]: chord })

export const resetShortcuts = (): void => keep(withChosen({}))

export function useShortcutKeys(): Shortcuts {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => shortcuts,
  )
}
