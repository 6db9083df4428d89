/** All keys in one place. Those of commands can be chosen: a chord that another command has is told, and stays with it. */
import { type KeyboardEvent, useState } from 'react'
import { chordOf } from '#keys/chord'
import { COMMAND_NAMES, type Command, chordProblem } from '#keys/commands'
import { labelOf } from '#keys/keyboard'
import { chooseShortcut, resetShortcuts, useShortcutKeys } from '#local/shortcuts'
import { t } from '#strings/strings'
import { Dialog } from '#ui/dialog'
import { Keys } from '#ui/keys'

function FixedKeys({ title, keys }: { readonly title: string; readonly keys: Readonly<Record<string, string>> }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className="shortcuts">
        {Object.entries(keys).map(([chords, does]) => (
          <div key={chords}>
            <dt>{does}</dt>
            <dd>
              <Keys chords={chords} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

export function ShortcutsDialog({ onClose }: { readonly onClose: () => void }) {
  const shortcuts = useShortcutKeys()
  const [changing, setChanging] = useState<Command>()
  const [problem, setProblem] = useState<string>()
  const s = t.shortcuts

  function choose(event: KeyboardEvent, command: Command): void {
    // Tab goes on, as anywhere.
    if (changing !== command || event.key === 'Tab') return
    event.preventDefault()
    event.stopPropagation()
    const chord = chordOf(event)
    if (chord === undefined) return
    if (chord === 'Escape') {
      setChanging(undefined)
      return
    }
    const wrong = chord === 'Backspace' ? undefined : chordProblem(shortcuts, command, chord)
    if (wrong !== undefined) {
      const label = labelOf(chord)
      setProblem(wrong.kind === 'reserved' ? s.reserved(label) : s.taken(label, t.commands[wrong.by]))
      return
    }
    chooseShortcut(command, chord === 'Backspace' ? '' : chord)
    setChanging(undefined)
    setProblem(undefined)
  }
  return (
    <Dialog title={s.title} onClose={onClose} holdsEscape={changing !== undefined}>
      <section>
        <h3>{s.app}</h3>
        <p className="hint" role="status">
          {problem ?? (changing !== undefined ? s.press : '')}
        </p>
        <dl className="shortcuts">
          {COMMAND_NAMES.map((command) => (
            <div key={command}>
              <dt>{t.commands[command]}</dt>
              <dd>
                <button
                  type="button"
                  className="chord"
                  aria-label={`${s.change(t.commands[command])}: ${shortcuts[command] === '' ? s.none : labelOf(shortcuts[command])}`}
                  aria-pressed={changing === command}
                  onClick={() => {
                    setProblem(undefined)
                    setChanging(changing === command ? undefined : command)
                  }}
                  onKeyDown={(event) => choose(event, command)}
                  onBlur={() => setChanging(undefined)}
                >
                  {changing === command ? '…' : shortcuts[command] === '' ? s.none : <Keys chords={shortcuts[command]} />}
                </button>
              </dd>
            </div>
          ))}
        </dl>
        <button type="button" onClick={resetShortcuts}>
          {s.reset}
        </button>
      </section>
      <FixedKeys title={s.note} keys={s.noteKeys} />
      <FixedKeys title={s.diff} keys={s.diffKeys} />
      <FixedKeys title={s.editor} keys={s.editorKeys} />
    </Dialog>
  )
}
