/** Keys that write Markdown in a plain field: Enter, Tab, bold, italic. What they do can be undone as if it had been typed. */
import { chordOf } from '#keys/chord'
import { continueMarkup, type FieldEdit, type FieldState, indentMarkup, markSelection } from '#text/continue-markup'

const EDITS: Readonly<Record<string, (state: FieldState) => FieldEdit | undefined>> = {
  Enter: continueMarkup,
  Tab: (state) => indentMarkup(state, false),
  'Shift+Tab': (state) => indentMarkup(state, true),
  'Ctrl+B': (state) => markSelection(state, '**'),
  'Ctrl+I': (state) => markSelection(state, '_'),
}

/** @returns whether the key did something here; else it is the browser's */
export function writeByKey(area: HTMLTextAreaElement, press: KeyboardEvent): boolean {
  const chord = press.isComposing ? undefined : chordOf(press)
  const edit = chord === undefined ? undefined : EDITS[chord]
  const done = edit?.({ text: area.value, from: area.selectionStart, to: area.selectionEnd })
  if (done === undefined) return false
  apply(area, done)
  return true
}

function apply(area: HTMLTextAreaElement, { from, to, insert, select }: FieldEdit): void {
  area.setSelectionRange(from, to)
  // Out of fashion, and the only way that keeps what undo knows.
  if (!document.execCommand(insert === '' ? 'delete' : 'insertText', false, insert)) {
    area.setRangeText(insert)
    area.dispatchEvent(new InputEvent('input', { bubbles: true }))
  }
  area.setSelectionRange(...select)
}
