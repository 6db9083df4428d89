/** `lockstep trash …` */
import { emptyTrash, listTrash } from '@lockstep/model/trash'
import { type CommandGroup, onRun } from '#context'
import { CliError } from '#errors'
import { confirm } from '#password'
import { counted, localTime, table } from '#table'

export const trashCommands: CommandGroup = (program, io) => {
  const trash = program.command('trash').description('what was deleted')

  onRun(trash.command('list').description('list what can be restored, and until when'), io, async (context) => {
    const entries = await context.withVault(listTrash)
    const listed = entries.map((entry) => ({ ...entry, purgeAt: entry.purgeAt ?? null }))
    context.out.result(listed, () =>
      table(
        ['ID', 'KIND', 'DELETED', 'GOES', 'TITLE'],
        entries.map(({ id, kind, deletedAt, purgeAt, title }) => [
          id,
          kind,
          localTime(deletedAt),
          purgeAt === undefined ? '30 days after a sync' : localTime(purgeAt),
          title,
        ]),
        'The trash is empty.',
      ),
    )
  })

  const empty = trash.command('empty').option('--yes', 'do not ask').description('drop everything in it for good, on all devices')
  onRun<{ yes?: boolean }>(empty, io, async (context, _, { yes }) => {
    if (yes !== true && !(await confirm(io, 'Drop everything in the trash for good?'))) {
      throw new CliError('not-confirmed', 'nothing was dropped')
    }
    const purged = await context.withVault(emptyTrash)
    context.out.done({ purged }, () => `Dropped ${counted(purged, 'row')}.`)
  })
}
