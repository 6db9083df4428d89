/** Everything that the app does at a key or from the command palette, with the keys it begins with: those of Dataans, where a browser gives them to a page. */
export const COMMANDS = {
  palette: 'Ctrl+K',
  search: 'Ctrl+F',
  searchSpace: 'Ctrl+M',
  toggleSpaces: 'Ctrl+S',
  editSpace: 'Ctrl+E',
  previousSpace: 'Alt+1',
  nextSpace: 'Alt+2',
  // A browser keeps Ctrl+N to itself.
  newSpace: 'Alt+N',
  writeNote: 'Alt+W',
  lastNote: 'Alt+L',
  deleteSpace: '',
  diffs: 'Alt+3',
  stars: 'Alt+4',
  addDiff: 'Alt+A',
  published: '',
  profile: '',
  profiles: 'Alt+P',
  exportNotes: '',
  importNotes: '',
  trash: '',
  appInfo: 'Ctrl+,',
  shortcuts: '?',
} as const satisfies Readonly<Record<string, string>>

export type Command = keyof typeof COMMANDS

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly Command[]

/** The chord of each command; empty: none. */
export type Shortcuts = Readonly<Record<Command, string>>

/** Chords that a browser keeps to itself, or that somebody who writes needs. */
const RESERVED = new Set(
  'Ctrl+A Ctrl+B Ctrl+C Ctrl+I Ctrl+N Ctrl+Q Ctrl+T Ctrl+V Ctrl+W Ctrl+X Ctrl+Y Ctrl+Z Ctrl+Shift+N Ctrl+Shift+T Ctrl+Shift+W Ctrl+Shift+Z Ctrl+Enter Ctrl+R Alt+F4 Escape Enter Tab Delete Backspace Space ArrowUp ArrowDown Home End'.split(
    ' ',
  ),
)

export type ChordProblem = { readonly kind: 'reserved' } | { readonly kind: 'taken'; readonly by: Command }

/** What is wrong with a chord for a command; undefined: nothing. */
export function chordProblem(shortcuts: Shortcuts, command: Command, chord: string): ChordProblem | undefined {
  if (RESERVED.has(chord) || /^Shift\+Tab$/.test(chord)) return { kind: 'reserved' }
  const by = COMMAND_NAMES.find((other) => other !== command && shortcuts[other] === chord)
  return by === undefined ? undefined : { kind: 'taken', by }
}

export const commandAt = (shortcuts: Shortcuts, chord: string): Command | undefined =>
  COMMAND_NAMES.find((command) => shortcuts[command] === chord)

/** The defaults, with what a person chose instead; what nobody knows any more is left out. */
export function withChosen(chosen: unknown): Shortcuts {
  const own = typeof chosen === 'object' && chosen !== null ? (chosen as Readonly<Record<string, unknown>>) : {}
  const entries = COMMAND_NAMES.map((command) => {
    const chord = own[command]
    return [command, typeof chord === 'string' ? chord : COMMANDS[command]]
  })
  return Object.fromEntries(entries) as Shortcuts
}
