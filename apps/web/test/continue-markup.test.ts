/** Enter, Tab and marks in a field; where CodeMirror, in which notes are edited, does the same it is asked too. */
import { insertNewlineContinueMarkupCommand, markdown, markdownLanguage } from '@codemirror/lang-markdown'
import { EditorState } from '@codemirror/state'
import { expect, test } from 'vitest'
import { continueMarkup, type FieldEdit, type FieldState, indentMarkup, markSelection } from '#text/continue-markup'

/** `|` is the caret, or both ends of what is selected. */
function read(marked: string): FieldState {
  const [before = '', selected = '', after] = marked.split('|')
  if (after === undefined) return { text: before + selected, from: before.length, to: before.length }
  return { text: before + selected + after, from: before.length, to: before.length + selected.length }
}

function show({ text, from, to }: FieldState, edit: FieldEdit | undefined): string | undefined {
  if (edit === undefined) return undefined
  const next = text.slice(0, edit.from) + edit.insert + text.slice(edit.to)
  const [start, end] = edit.select
  expect([edit.from <= from, edit.to >= to]).toEqual([true, true])
  return start === end
    ? `${next.slice(0, start)}|${next.slice(start)}`
    : `${next.slice(0, start)}|${next.slice(start, end)}|${next.slice(end)}`
}

const enter = (marked: string) => show(read(marked), continueMarkup(read(marked)))
const tab = (marked: string, less = false) => show(read(marked), indentMarkup(read(marked), less))

function enterInEditor(marked: string): string | undefined {
  const { text, from } = read(marked)
  let state = EditorState.create({ doc: text, selection: { anchor: from }, extensions: [markdown({ base: markdownLanguage })] })
  const command = insertNewlineContinueMarkupCommand({ nonTightLists: false })
  const done = command({
    state,
    dispatch(transaction) {
      state = transaction.state
    },
  })
  const { head } = state.selection.main
  return done ? `${state.sliceDoc(0, head)}|${state.sliceDoc(head)}` : undefined
}

test.each([
  ['- one|', '- one\n- |'],
  ['- one|two', '- one\n- |two'],
  ['* a|', '* a\n* |'],
  ['1. a|', '1. a\n2. |'],
  ['9) a|', '9) a\n10) |'],
  ['- [ ] a|', '- [ ] a\n- [ ] |'],
  ['- [x] done|', '- [x] done\n- [ ] |'],
  ['> q|', '> q\n> |'],
  ['> - a|', '> - a\n> - |'],
  ['> > a|', '> > a\n> > |'],
  ['- > a|', '- > a\n  > |'],
  ['- a\n  - b|', '- a\n  - b\n  - |'],
  ['- a\n  - |', '- a\n- |'],
  ['- a\n- |', '- a\n|'],
  ['- |', '|'],
  ['- [ ] |', '|'],
  ['> - a\n> - |', '> - a\n> |'],
  ['- a\n  text|', '- a\n  text\n  |'],
  ['plain|', undefined],
  ['|- a', undefined],
  ['-|', undefined],
  ['```\n- x|', undefined],
])('Enter in %j, as in the editor', (before, after) => {
  expect(enter(before)).toBe(after)
  expect(enterInEditor(before)).toBe(after)
})

test.each([
  ['> a\n> |', '> a\n|'],
  ['1. a\n   - |', '1. a\n2. |'],
  ['```js\n  let x|', '```js\n  let x\n  |'],
  ['```js\nlet x|', undefined],
  ['- one |two| three', '- one \n- | three'],
  ['   |', undefined],
])('Enter in %j', (before, after) => {
  expect(enter(before)).toBe(after)
})

test.each([
  ['- a\n- b|', '- a\n  - b|'],
  ['1. a\n2. b|', '1. a\n   2. b|'],
  ['- a|\n- b|\n', '  - a|\n  - b|\n'],
  ['```\nx|', '```\n  x|'],
  ['plain|', undefined],
  ['|', undefined],
])('Tab in %j', (before, after) => {
  expect(tab(before)).toBe(after)
})

test.each([
  ['- a\n  - b|', '- a\n- b|'],
  ['- a\n   1. b|', '- a\n1. b|'],
  [' |- a', '|- a'],
  ['  - a|\n  - b|', '- a|\n- b|'],
  ['- a|', undefined],
  ['  plain|', undefined],
])('Shift+Tab in %j', (before, after) => {
  expect(tab(before, true)).toBe(after)
})

test('bold and italic go around what is selected, and away', () => {
  const bold = (marked: string) => show(read(marked), markSelection(read(marked), '**'))
  expect(bold('a |b| c')).toBe('a **|b|** c')
  expect(bold('a **|b|** c')).toBe('a |b| c')
  expect(bold('a |')).toBe('a **|**')
})
