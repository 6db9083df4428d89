/** CodeMirror, as notes are written in it: Markdown that goes on with lists and quotes, undo that takes back only what was typed here. */
import { acceptCompletion, autocompletion, completionStatus } from '@codemirror/autocomplete'
import { defaultKeymap, indentLess, indentMore } from '@codemirror/commands'
import { deleteMarkupBackward, insertNewlineContinueMarkupCommand, markdown, markdownLanguage } from '@codemirror/lang-markdown'
import { indentUnit } from '@codemirror/language'
import { EditorState, Prec } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { UndoManager } from 'yjs'
import { completeLanguage } from '#editor/fence-languages'
import { editorTheme } from '#editor/theme'
import { toggleMark } from '#editor/toggle-mark'
import type { TextSession } from '#text/text-session'

interface ViewOptions {
  readonly parent: HTMLElement
  readonly session: Pick<TextSession, 'text'>
  readonly label: string
  readonly onDone: () => void
}

export function createView({ parent, session: { text }, label, onDone }: ViewOptions): EditorView {
  const finish = () => {
    onDone()
    return true
  }
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: text.toString(),
      selection: { anchor: text.length },
      extensions: [
        // A list that is open is closed first; one that was only looked for at the last letter is no reason to stay.
        Prec.highest(keymap.of([{ key: 'Escape', run: ({ state }) => completionStatus(state) !== 'active' && finish() }])),
        keymap.of([
          { key: 'Mod-Enter', run: finish },
          { key: 'Mod-b', run: toggleMark('**') },
          { key: 'Mod-i', run: toggleMark('_') },
          { key: 'Tab', run: acceptCompletion },
          { key: 'Tab', run: indentMore, shift: indentLess },
          // One Enter on an empty item ends the list, as in the composer.
          { key: 'Enter', run: insertNewlineContinueMarkupCommand({ nonTightLists: false }) },
          { key: 'Backspace', run: deleteMarkupBackward },
          ...yUndoManagerKeymap,
          ...defaultKeymap,
        ]),
        indentUnit.of('  '),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'true' }),
        markdown({ base: markdownLanguage, addKeymap: false }),
        autocompletion({ override: [completeLanguage], icons: false, interactionDelay: 0 }),
        editorTheme,
        yCollab(text, null, { undoManager: new UndoManager(text) }),
      ],
    }),
  })
}
