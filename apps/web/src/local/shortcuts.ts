/** The keys that this browser's person chose; what they did not choose stays with the app. */
import { COMMAND_NAMES, COMMANDS, type Command, type Shortcuts, withChosen } from '#keys/commands'
import { createChoice } from '#local/choice'
import { browserShelf } from '#local/shelf'

const shortcuts = createChoice<Shortcuts>({
  shelf: browserShelf,
  name: 'shortcuts',
  parse: withChosen,
  toJson(chosen) {
    const own = COMMAND_NAMES.filter((command) => chosen[command] !== COMMANDS[command])
    return own.length === 0 ? undefined : Object.fromEntries(own.map((command) => [command, chosen[command]]))
  },
})

/** @param chord empty: none */
export const chooseShortcut = (command: Command, chord: string): void => shortcuts.set({ ...shortcuts.current(), [command]: chord })

export const resetShortcuts = (): void => shortcuts.set(withChosen({}))

export const useShortcutKeys = shortcuts.use
