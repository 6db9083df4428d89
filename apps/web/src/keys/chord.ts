/**
 * Key chords as people write them, `Ctrl+Shift+K`: modifiers in this order, then the key. `Ctrl` is also the Mac's ⌘. On a keyboard
 * that writes another alphabet a key means the letter that stands at its place on a Latin one, and digits are where they always are.
 */
export interface KeyPress {
  readonly key: string
  readonly code: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly shiftKey: boolean
}

const MODIFIER_KEYS = new Set(['Control', 'Meta', 'Alt', 'Shift', 'AltGraph', 'CapsLock', 'Dead', 'Unidentified', 'Process'])

function keyName({ key, code, altKey }: KeyPress): string {
  const [, at] = /^(?:Key|Digit)([A-Z0-9])$/.exec(code) ?? []
  // Alt makes other characters on some systems, and other alphabets have none of these.
  if (at !== undefined && (altKey || !/^[\x21-\x7e]$/.test(key))) return at
  if (key === ' ') return 'Space'
  return key.length === 1 ? key.toUpperCase() : key
}

/** Undefined while only modifiers are held. */
export function chordOf(press: KeyPress): string | undefined {
  if (MODIFIER_KEYS.has(press.key)) return undefined
  const key = keyName(press)
  // Shift is part of how a sign is typed: `?` is `?` on every keyboard.
  const named = key.length > 1 || /[A-Z]/.test(key)
  return [
    (press.ctrlKey || press.metaKey) && 'Ctrl',
    press.altKey && 'Alt',
    press.shiftKey && (named || press.altKey || press.ctrlKey) && 'Shift',
    key,
  ]
    .filter((part) => part !== false)
    .join('+')
}

/** Whether a chord types something, so that it is nobody's shortcut while somebody writes. */
export const typesText = (chord: string): boolean => !/^(?:Ctrl|Alt)\+/.test(chord) && !/^F\d+$/.test(chord)

/** As the keys are labelled. */
export function chordLabel(chord: string, mac: boolean): string {
  const parts = chord.split(/\+(?=.)/)
  if (!mac) return parts.join(' + ')
  const signs: Readonly<Record<string, string>> = { Ctrl: '⌘', Alt: '⌥', Shift: '⇧' }
  return parts.map((part) => signs[part] ?? part).join('')
}
