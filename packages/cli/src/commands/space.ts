/** `lockstep space …` */
import { addSpace, listSpaces, removeSpace, renameSpace, restoreSpace } from '@lockstep/model/spaces'
import { type CommandGroup, onRun } from '#context'
import { counted, table } from '#table'

export const spaceCommands: CommandGroup = (program, io) => {
  const space = program.command('space').description('spaces, which hold notes')

  const add = space
    .command('add')
    .argument('<name>')
    .option('--avatar <text>', 'a picture or letter that apps show beside the name')
    .description('add a space')
  onRun<{ avatar?: string }>(add, io, async (context, [name = ''], { avatar }) => {
    const id = await context.withVault((vault) =>
      addSpace(vault, { name, ...(avatar !== undefined && { avatar }), now: context.now }),
    )
    context.out.result({ id, name: name.trim() }, () => id)
  })

  onRun(space.command('list').description('list spaces and how many notes they hold'), io, async (context) => {
    // What an importer remembers is nobody else's business.
    const spaces = (await context.withVault(listSpaces)).map(({ source: _, ...space }) => space)
    context.out.result(spaces, () =>
      table(
        ['ID', 'NAME', 'NOTES'],
        spaces.map(({ id, name, notes, deleted }) => [id, deleted ? `${name} (deleted)` : name, String(notes)]),
        'No spaces yet. Add one with: lockstep space add NAME',
      ),
    )
  })

  const rename = space
    .command('rename')
    .argument('<space>', 'name or id')
    .argument('<name>', 'the new name')
    .description('rename a space')
  onRun(rename, io, async (context, [given = '', name = '']) => {
    const renamed = await context.withVault((vault) => renameSpace(vault, given, { name, now: context.now }))
    context.out.done({ id: renamed.id, name: renamed.name }, () => `Renamed to "${renamed.name}".`)
  })

  const rm = space.command('rm').argument('<space>', 'name or id').description('move a space and its notes to the trash')
  onRun(rm, io, async (context, [given = '']) => {
    const removed = await context.withVault((vault) => removeSpace(vault, given))
    context.out.done(
      { id: removed.id },
      () =>
        `"${removed.name}" and ${counted(removed.notes, 'note')} are in the trash. Take them back with: lockstep space restore ${removed.id}`,
    )
  })

  const restore = space
    .command('restore')
    .argument('<space>', 'name or id')
    .description('take a space and its notes out of the trash')
  onRun(restore, io, async (context, [given = '']) => {
    const restored = await context.withVault((vault) => restoreSpace(vault, given))
    context.out.done({ id: restored.id }, () => `"${restored.name}" is back with ${counted(restored.notes, 'note')}.`)
  })
}
