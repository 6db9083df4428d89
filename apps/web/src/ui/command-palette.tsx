/** Every command, every space and the notes, diffs and stars that have the words typed: the arrows choose, Enter runs. */
import { type KeyboardEvent, useEffect, useId, useState } from 'react'
import { COMMAND_NAMES, type Command } from '#keys/commands'
import { useShortcutKeys } from '#local/shortcuts'
import { t } from '#strings/strings'
import { dayName } from '#text/days'
import { matchRank } from '#text/match-rank'
import { Dialog } from '#ui/dialog'
import { Keys } from '#ui/keys'
import { useDiffSearch } from '#ui/use-diffs'
import type { Go } from '#ui/use-place'
import { useSearch } from '#ui/use-search'
import { useAnswer, useVault } from '#ui/vault'

/** Notes that are shown below the commands; so many diffs and stars, too. */
const MOST_NOTES = 6

interface PaletteProps {
  /** Commands that would do nothing now. */
  readonly idle: ReadonlySet<Command>
  readonly onRun: (command: Command) => void
  readonly onSpace: (id: string) => void
  readonly onNote: (space: string, id: string) => void
  readonly onGo: Go
  readonly onClose: () => void
}

interface Entry {
  readonly key: string
  readonly label: string
  readonly kind: string
  readonly chords: string
  readonly run: () => void
}

export function CommandPalette({ idle, onRun, onSpace, onNote, onGo, onClose }: PaletteProps) {
  const vault = useVault()
  const shortcuts = useShortcutKeys()
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  /** Enter was pressed: what is chosen runs as soon as it is known. */
  const [hurried, setHurried] = useState(false)
  const listId = useId()
  const { value: spaces = [] } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const found = useSearch({ text, limit: MOST_NOTES })
  const { diffs, stars } = useDiffSearch({ text, limit: MOST_NOTES }) ?? { diffs: [], stars: [] }

  const named: Entry[] = [
    ...COMMAND_NAMES.filter((command) => command !== 'palette' && !idle.has(command)).map((command) => ({
      key: command,
      label: t.commands[command],
      kind: t.palette.command,
      chords: shortcuts[command],
      run: () => onRun(command),
    })),
    ...spaces.map(({ id, name }) => ({ key: id, label: name, kind: t.palette.space, chords: '', run: () => onSpace(id) })),
  ]
  const commands = named
    .map((entry) => ({ entry, rank: matchRank(entry.label, text) }))
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
    .map(({ entry }) => entry)
  const entries: Entry[] = [
    ...commands,
    ...(found?.notes ?? []).map(({ id, title, spaceId }) => ({
      key: id,
      label: title.text === '' ? t.untitled : title.text,
      kind: t.palette.note,
      chords: '',
      run: () => onNote(spaceId, id),
    })),
    ...stars.map(({ id, diffId, paragraph, text: body }) => ({
      key: `star ${id}`,
      label: body.text,
      kind: t.diffs.found.star,
      chords: '',
      run: () => onGo({ kind: 'diff', id: diffId, paragraph }),
    })),
    ...diffs.map(({ id, title, date, paragraph }) => ({
      key: `diff ${id}`,
      label: [title.text, dayName(date, 'medium')].filter(Boolean).join(' · '),
      kind: t.diffs.found.diff,
      chords: '',
      run: () => onGo({ kind: 'diff', id, ...(paragraph !== undefined && { paragraph }) }),
    })),
  ]
  const at = Math.min(chosen, entries.length - 1)

  // Words that name no command are looked for in notes: what is found for fewer letters is not what was meant.
  const ready = found === undefined ? text.trim() === '' || entries.length > 0 : found.current || at < commands.length
  useEffect(() => {
    if (!hurried || !ready) return
    setHurried(false)
    entries[at]?.run()
  })

  function onKeyDown(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter') setHurried(true)
    else if (step !== 0 && entries.length > 0) setChosen((at + step + entries.length) % entries.length)
    else return
    event.preventDefault()
  }
  return (
    <Dialog title={t.palette.title} onClose={onClose}>
      <input
        data-first
        role="combobox"
        aria-expanded={entries.length > 0}
        aria-controls={listId}
        aria-activedescendant={entries[at] && `${listId}-${at}`}
        aria-label={t.palette.title}
        placeholder={t.palette.hint}
        value={text}
        onChange={({ target }) => {
          setText(target.value)
          setChosen(0)
          setHurried(false)
        }}
        onKeyDown={onKeyDown}
      />
      <div className="palette" role="listbox" id={listId} aria-label={t.palette.title}>
        {entries.map((entry, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the field above has the focus
          <div
            key={entry.key}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === at}
            ref={(element) => {
              if (i === at) element?.scrollIntoView({ block: 'nearest' })
            }}
            onClick={entry.run}
          >
            <span className="name">{entry.label}</span>
            <small>{entry.kind}</small>
            <Keys chords={entry.chords} aside />
          </div>
        ))}
      </div>
      {entries.length === 0 && <p className="hint">{t.palette.nothing}</p>}
    </Dialog>
  )
}
