/** `lockstep star …` */
import { addStar, listStars, removeStar } from '@lockstep/model/stars'
import { type CommandGroup, onRun } from '#context'
import { wholeNumber } from '#numbers'
import { table } from '#table'

export const starCommands: CommandGroup = (program, io) => {
  const star = program.command('star').description('starred paragraphs of diffs')

  const add = star
    .command('add')
    .argument('<diff>', 'id of the diff')
    .argument('<paragraph>', 'number of the paragraph, from 0 (see diff show --paragraphs)', wholeNumber)
    .description('star a paragraph')
  onRun<object, readonly [string, number]>(add, io, async (context, [diff, paragraph]) => {
    const id = await context.withVault((vault) => addStar(vault, { diff, paragraph, now: context.now }))
    context.out.result({ id }, () => id)
  })

  onRun(star.command('list').description('list starred paragraphs'), io, async (context) => {
    const stars = await context.withVault(listStars)
    context.out.result(stars, () =>
      table(
        ['ID', 'DATE', 'PARAGRAPH'],
        stars.map(({ id, date, text }) => [id, date, text.slice(0, 80)]),
        'No stars yet. Set one with: lockstep star add DIFF PARAGRAPH',
      ),
    )
  })

  onRun(
    star.command('rm').argument('<id>', 'id of the star: its diff, a colon, the paragraph').description('take a star away'),
    io,
    async (context, [id = '']) => {
      await context.withVault((vault) => removeStar(vault, id))
      context.out.done({ id }, () => 'Removed.')
    },
  )
}
