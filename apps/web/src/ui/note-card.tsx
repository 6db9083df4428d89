/** One note of the timeline: its text, when it was written, where it is saved, and what can be done with it. */
import { noteTitle, titleFollows } from '@lockstep/model/note-title'
import { memo, useLayoutEffect, useState } from 'react'
import type { ShownNote } from '#host/note-methods'
import { t } from '#strings/strings'
import { shortTime } from '#text/when'
import { MoveDialog, TitleDialog } from '#ui/dialogs'
import { Icon, type IconName } from '#ui/icons'
import { MarkdownView } from '#ui/markdown-view'
import { MenuButton } from '#ui/menu-button'
import { useNoteActions } from '#ui/note-actions'
import { createPart } from '#ui/part'
import { useTellFailure } from '#ui/toasts'
import { useVault } from '#ui/vault'

const Editor = createPart(async () => (await import('#ui/editor')).default)

function PlaceMark({ place }: Pick<ShownNote, 'place'>) {
  const [icon, text]: [IconName, string] =
    place.place === 'local'
      ? ['device', t.place.local]
      : place.replicas === 0
        ? ['cloud', t.place.server]
        : ['check', t.place.devices(place.replicas)]
  return (
    <span className={`place place-${place.place}`} title={text}>
      <Icon name={icon} />
      <span className="sr-only">{text}</span>
    </span>
  )
}

interface NoteCardProps {
  readonly note: ShownNote
  /** Tab comes to it. */
  readonly current: boolean
  /** It was jumped to just now. */
  readonly marked: boolean
  readonly editing: boolean
  /** These stay the same functions, so that a note that has not changed is not drawn again. */
  readonly onEdit: (id: string) => void
  readonly onDone: (id: string) => void
  readonly onHistory: (id: string) => void
}

export const NoteCard = memo(function NoteCard({ note, current, marked, editing, onEdit, onDone, onHistory }: NoteCardProps) {
  const vault = useVault()
  const actions = useNoteActions()
  const tellFailure = useTellFailure()
  const [moving, setMoving] = useState(false)
  const [titling, setTitling] = useState(false)
  /** What stood in the editor, until the vault has it: what was there before is not shown in between. */
  const [ending, setEnding] = useState<{ readonly text: string; readonly stored: boolean }>()
  const { id, text, title, pinned, createdAt, updatedAt, place, conflicts, spaceId } = note
  const now = Date.now()
  // A title of its own, given elsewhere: what follows from the text is not said twice.
  const ownTitle = titleFollows(note) ? undefined : title

  const finish = (last?: string, stored?: Promise<unknown>) => {
    onDone(id)
    if (last === undefined || stored === undefined) return
    setEnding({ text: last, stored: false })
    stored
      .then(() => vault.notes([id]))
      .then(
        ([fresh]) => setEnding(fresh && { text: fresh.text, stored: true }),
        () => setEnding(undefined),
      )
  }
  // From then on it is the note that says what its text is.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each note that comes
  useLayoutEffect(() => setEnding((ending) => (ending?.stored === true ? undefined : ending)), [note])
  const menu = () => [
    [
      { text: pinned ? t.unpin : t.pin, chords: 'P', onSelect: () => actions.togglePin(note) },
      // What is typed gives the title, where it follows.
      ...(editing ? [] : [{ text: t.titleOf, chords: '', onSelect: () => setTitling(true) }]),
      { text: t.moveTo, chords: '', onSelect: () => setMoving(true) },
      { text: t.history.menu, chords: 'H', onSelect: () => onHistory(id) },
      { text: t.deleteNote, chords: 'Delete', danger: true, onSelect: () => actions.remove(note) },
    ],
  ]
  return (
    <article
      className={marked ? 'note marked' : 'note'}
      aria-label={title || noteTitle(text) || t.untitled}
      data-note={id}
      tabIndex={current ? 0 : -1}
    >
      {ownTitle !== undefined && <h2>{ownTitle}</h2>}
      {editing ? (
        <Editor props={{ id, onDone: finish }} fallback={<MarkdownView text={text} />} onMissing={() => onDone(id)} />
      ) : (
        <MarkdownView
          text={ending?.text ?? text}
          onImageResize={ending === undefined ? (resize) => actions.resizeImage(note, resize) : undefined}
        />
      )}
      {conflicts.map((other) => (
        <aside className="conflict" key={other}>
          <p>{t.conflict}</p>
          <MarkdownView text={other} />
          <button type="button" onClick={() => void vault.keepBoth(id, other, Date.now()).catch(tellFailure)}>
            {t.keepBoth}
          </button>
        </aside>
      ))}
      <footer>
        {pinned && <span className="pinned">{t.pinned}</span>}
        <time dateTime={new Date(createdAt).toISOString()}>{shortTime(createdAt, now)}</time>
        {updatedAt - createdAt > 60_000 && <span>{t.edited(shortTime(updatedAt, now))}</span>}
        <PlaceMark place={place} />
        <span className="actions">
          <button
            type="button"
            className="icon-button"
            aria-label={t.copy}
            title={t.copy}
            onClick={() => actions.copy(ending === undefined ? note : { ...note, text: ending.text })}
          >
            <Icon name="copy" />
          </button>
          <button type="button" className="icon-button" aria-label={t.edit} title={t.edit} onClick={() => onEdit(id)}>
            <Icon name="edit" />
          </button>
          <MenuButton label={t.more} groups={menu} />
        </span>
      </footer>
      {titling && <TitleDialog note={note} onClose={() => setTitling(false)} />}
      {moving && <MoveDialog id={id} from={spaceId} onClose={() => setMoving(false)} />}
    </article>
  )
})
