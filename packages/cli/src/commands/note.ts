/** `lockstep note …` */
import { titleOf } from '@lockstep/model/markdown-title'
import { noteTitle } from '@lockstep/model/note-title'
import {
  addNote,
  editNote,
  findNote,
  listNotes,
  moveNote,
  noteHistory,
  removeNote,
  restoreNote,
  restoreNoteVersion,
} from '@lockstep/model/notes'
import { findSpace } from '@lockstep/model/spaces'
import type { Command } from 'commander'
import { Option } from 'commander'
import { type CommandGroup, type Context, onRun } from '#context'
import { CliError } from '#errors'
import { editText, readText } from '#input'
import type { Io } from '#io'
import { wholeNumber } from '#numbers'
import { localTime, table } from '#table'

/** What a note that has no title is listed as. */
const UNTITLED = 'Untitled'

export const noteCommands: CommandGroup = (program, io) => {
  const note = program.command('note').description('notes')
  addCommand(note, io)
  listCommand(note, io)
  showCommand(note, io)
  editCommand(note, io)
  moveAndTrashCommands(note, io)
  historyCommand(note, io)
}

function addCommand(note: Command, io: Io): void {
  const add = note
    .command('add')
    .requiredOption('--space <space>', 'name or id of the space')
    .option('--title <title>', "the title (default: the text's first heading, else the file's name or the first line)")
    .option('--file <file>', 'the text, exactly as it is in this file; - is standard input')
    .description('add a note')
  onRun<{ space: string; title?: string; file?: string }>(add, io, async (context, _, { space, title, file }) => {
    const text = file === undefined ? '' : await readText(io, file)
    const named = file === undefined || file === '-' ? undefined : file.split(/[/\\]/).at(-1)
    const name = title ?? (named === undefined ? noteTitle(text) : titleOf(text, named))
    const id = await context.withVault((vault) => {
      return addNote(vault, { space: findSpace(vault, space).id, title: name, text, now: context.now })
    })
    context.out.result({ id }, () => id)
  })
}

function listCommand(note: Command, io: Io): void {
  const list = note.command('list').option('--space <space>', 'only of this space, by name or id').description('list notes')
  onRun<{ space?: string }>(list, io, async (context, _, { space }) => {
    const notes = await context.withVault((vault) =>
      listNotes(vault, space === undefined ? {} : { space: findSpace(vault, space).id }),
    )
    context.out.result(notes, () =>
      table(
        ['ID', 'SPACE', 'UPDATED', 'TITLE'],
        notes.map(({ id, space: name, spaceDeleted, updatedAt, title, pinned }) => [
          id,
          spaceDeleted ? `${name} (deleted)` : (name ?? ''),
          localTime(updatedAt),
          pinned ? `* ${title || UNTITLED}` : title || UNTITLED,
        ]),
        'No notes yet. Add one with: lockstep note add --space NAME --title TITLE --file FILE',
      ),
    )
  })
}

function showCommand(note: Command, io: Io): void {
  const show = note.command('show').argument('<id>').description("print a note's text, exactly as it is")
  onRun(show, io, async (context, [id = '']) => {
    const found = await context.withVault((vault) => findNote(vault, id))
    if (context.out.json) {
      context.out.result(found, () => '')
      return
    }
    context.out.raw(found.text)
    if (found.conflicts.length > 0) {
      context.out.note('Somebody wrote another text at the same time; see it with --json (conflicts).')
    }
  })
}

interface EditOptions {
  readonly file?: string
  readonly title?: string
  readonly pin?: boolean
  readonly unpin?: boolean
}

function editCommand(note: Command, io: Io): void {
  const edit = note
    .command('edit')
    .argument('<id>')
    .option('--file <file>', 'the new text; - is standard input')
    .option('--title <title>', 'the new title')
    .addOption(new Option('--pin', 'show it before others').conflicts('unpin'))
    .option('--unpin', 'do not show it before others')
    .description('change a note; without options its text is opened in your editor ($VISUAL or $EDITOR)')
  onRun<EditOptions>(edit, io, async (context, [given = ''], { file, title, pin, unpin }) => {
    const pinned = pin === true ? true : unpin === true ? false : undefined
    if (file === undefined && title === undefined && pinned === undefined) {
      await editInEditor(context, given)
      return
    }
    const text = file === undefined ? undefined : await readText(io, file)
    const { id, changed } = await context.withVault((vault) => editNote(vault, given, { text, title, pinned, now: context.now }))
    context.out.done({ id, changed }, () => (changed ? 'Saved.' : 'Nothing has changed.'))
  })
}

/** The vault is closed while the person types: that can take hours, and another process may want it. */
async function editInEditor(context: Context, given: string): Promise<void> {
  const before = await context.withVault((vault) => findNote(vault, given))
  const text = await editText(context.io, before.text)
  const { id, changed } = await context.withVault((vault) => {
    if (text !== before.text && findNote(vault, before.id).text !== before.text) {
      // Writing it would take back what came in meanwhile; what was typed must not be lost either.
      const id = addNote(vault, { space: before.spaceId ?? '', title: `${before.title} (edited copy)`, text, now: context.now })
      throw new CliError('edited-elsewhere', `the note changed while you edited it: your text is in a new note beside it, ${id}`)
    }
    return editNote(vault, before.id, { text, now: context.now })
  })
  context.out.done({ id, changed }, () => (changed ? 'Saved.' : 'Nothing has changed.'))
}

function moveAndTrashCommands(note: Command, io: Io): void {
  const move = note
    .command('move')
    .argument('<id>')
    .requiredOption('--space <space>', 'name or id of the space to move it to')
    .description('move a note to another space')
  onRun<{ space: string }>(move, io, async (context, [given = ''], { space }) => {
    const { id } = await context.withVault((vault) => moveNote(vault, given, { space, now: context.now }))
    context.out.done({ id }, () => 'Moved.')
  })

  const rm = note.command('rm').argument('<id>').description('move a note to the trash')
  onRun(rm, io, async (context, [given = '']) => {
    const id = await context.withVault((vault) => removeNote(vault, given))
    context.out.done({ id }, () => `In the trash. Take it back with: lockstep note restore ${id}`)
  })

  const restore = note
    .command('restore')
    .argument('<id>')
    .option('--to-version <number>', 'take back an earlier text instead (see note history)', wholeNumber)
    .description('take a note out of the trash')
  onRun<{ toVersion?: number }>(restore, io, async (context, [given = ''], { toVersion: version }) => {
    const id = await context.withVault((vault) =>
      version === undefined
        ? restoreNote(vault, given, context.now)
        : restoreNoteVersion(vault, given, { version, now: context.now }),
    )
    context.out.done({ id }, () => 'Restored.')
  })
}

function historyCommand(note: Command, io: Io): void {
  const history = note.command('history').argument('<id>').description('list earlier texts of a note that this device has seen')
  onRun(history, io, async (context, [given = '']) => {
    const { versions } = await context.withVault((vault) => noteHistory(vault, given))
    context.out.result(versions, () =>
      table(
        ['VERSION', 'REPLACED', 'LENGTH', 'BEGINS'],
        versions.map(({ version, at, text }) => [String(version), localTime(at), String(text.length), text.slice(0, 50)]),
        'No earlier texts.',
      ),
    )
  })
}
