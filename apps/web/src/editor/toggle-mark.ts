/** Puts a Markdown mark around what is selected, or takes it away. */
import { EditorSelection, type StateCommand } from '@codemirror/state'

/** @param mark `**` for bold, `_` for italic */
export const toggleMark =
  (mark: string): StateCommand =>
  ({ state, dispatch }) => {
    const { length } = mark
    const changes = state.changeByRange((range) => {
      const { from, to } = range
      const around = state.sliceDoc(from - length, from) === mark && state.sliceDoc(to, to + length) === mark
      if (around) {
        return {
          changes: [
            { from: from - length, to: from },
            { from: to, to: to + length },
          ],
          range: EditorSelection.range(range.anchor - length, range.head - length),
        }
      }
      return {
        changes: [
          { from, insert: mark },
          { from: to, insert: mark },
        ],
        range: EditorSelection.range(range.anchor + length, range.head + length),
      }
    })
    dispatch(state.update(changes, { userEvent: 'input', scrollIntoView: true }))
    return true
  }
