import { describe, expect, test } from 'vitest'
import { chordLabel, chordOf, type KeyPress, typesText } from '#keys/chord'
import { COMMAND_NAMES, COMMANDS, chordProblem, commandAt, withChosen } from '#keys/commands'

const press = (key: string, code: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
})

describe('chords', () => {
  test('are named by modifiers in one order and the key', () => {
    expect(chordOf(press('f', 'KeyF', { ctrlKey: true }))).toBe('Ctrl+F')
    expect(chordOf(press('f', 'KeyF', { metaKey: true }))).toBe('Ctrl+F')
    expect(chordOf(press('F', 'KeyF', { shiftKey: true, ctrlKey: true }))).toBe('Ctrl+Shift+F')
    expect(chordOf(press('ArrowUp', 'ArrowUp', { altKey: true, shiftKey: true }))).toBe('Alt+Shift+ArrowUp')
    expect(chordOf(press('Control', 'ControlLeft', { ctrlKey: true }))).toBeUndefined()
  })

  test('are the same on a keyboard with another alphabet, and where Alt makes other characters', () => {
    expect(chordOf(press('а', 'KeyF', { ctrlKey: true }))).toBe('Ctrl+F')
    expect(chordOf(press('¡', 'Digit1', { altKey: true }))).toBe('Alt+1')
  })

  test('a keyboard that moves letters about has them where it labels them', () => {
    expect(chordOf(press('k', 'KeyT', { ctrlKey: true }))).toBe('Ctrl+K')
  })

  test('a sign is itself, however it is typed', () => {
    expect(chordOf(press('?', 'Slash', { shiftKey: true }))).toBe('?')
    expect(chordOf(press('?', 'Minus', { shiftKey: true }))).toBe('?')
    expect(chordOf(press('+', 'Equal', { ctrlKey: true }))).toBe('Ctrl++')
  })

  test('tell what types text', () => {
    expect(['?', 'A', 'Shift+A', 'Space'].filter((chord) => !typesText(chord))).toEqual([])
    expect(['Ctrl+A', 'Alt+1', 'F2'].filter(typesText)).toEqual([])
  })

  test('are labelled as the keys are', () => {
    expect(chordLabel('Ctrl+Shift+K', false)).toBe('Ctrl + Shift + K')
    expect(chordLabel('Ctrl++', false)).toBe('Ctrl + +')
    expect(chordLabel('Ctrl+Alt+K', true)).toBe('⌘⌥K')
  })
})

describe('commands', () => {
  test('begin with chords that no other has and no browser keeps', () => {
    for (const command of COMMAND_NAMES) {
      const chord = COMMANDS[command]
      if (chord === '') continue
      expect([command, chordProblem(COMMANDS, command, chord)]).toEqual([command, undefined])
      expect(commandAt(COMMANDS, chord)).toBe(command)
    }
  })

  test('are told apart from those that have the chord already, and from what a browser keeps', () => {
    expect(chordProblem(COMMANDS, 'trash', 'Ctrl+F')).toEqual({ kind: 'taken', by: 'search' })
    expect(chordProblem(COMMANDS, 'trash', 'Ctrl+W')).toEqual({ kind: 'reserved' })
    expect(chordProblem(COMMANDS, 'trash', 'Alt+T')).toBeUndefined()
  })

  test('keep what was chosen, also none, and nothing that is damaged or unknown', () => {
    const shortcuts = withChosen({ search: 'Alt+F', searchSpace: '', gone: 'Ctrl+G', palette: 7 })
    expect(shortcuts).toEqual({ ...COMMANDS, search: 'Alt+F', searchSpace: '' })
    for (const damaged of [undefined, null, 'x', 3, []]) expect(withChosen(damaged)).toEqual(COMMANDS)
  })
})
