/** CodeMirror, as notes are written in it: Markdown that goes on with lists and quotes, undo that takes back only what was typed here. */
import { acceptCompletion, autocompletion } from '@codemirror/autocomplete'
import { defaultKeymap, indentLess, indentMore } from '@codemirror/commands'
import { markdown, markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown'
import { indentUnit } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
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
        keymap.of([
          { key: 'Mod-Enter', run: finish },
          { key: 'Mod-b', run: toggleMark('**') },
          { key: 'Mod-i', run: toggleMark('_') },
          { key: 'Tab', run: acceptCompletion },
          { key: 'Tab', run: indentMore, shift: indentLess },
          ...markdownKeymap,
          ...yUndoManagerKeymap,
          ...defaultKeymap,
          // Last: what is open over the text is closed first.
          { key: 'Escape', run: finish },
        ]),
        indentUnit.of('  '),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'true' }),
        markdown({ base: markdownLanguage }),
        autocompletion({ override: [completeLanguage], icons: false }),
        editorTheme,
        yCollab(text, null, { undoManager: new UndoManager(text) }),
      ],
    }),
  })
}
