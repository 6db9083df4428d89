/** `lockstep diff …` */
import { addDiff, findDiff, listDiffs, removeDiff, restoreDiff } from '@lockstep/model/diffs'
import { paragraphs } from '@lockstep/model/paragraphs'
import { listTldrs, type Tldr } from '@lockstep/model/tldrs'
import { publishCommands } from '#commands/publish'
import { type CommandGroup, onRun } from '#context'
import { readText } from '#input'
import { wholeNumber } from '#numbers'
import { table } from '#table'

interface AddOptions {
  readonly title: string
  readonly date: string
  readonly file: string
  readonly windowDays?: number
}

/** Each paragraph with its number, and below it what was summed up of the pages that it links to. */
function numbered(all: readonly string[], tldrs: readonly Tldr[]): string {
  const below = (i: number) =>
    tldrs.filter(({ paragraph }) => paragraph === i).map(({ text, url }) => `    TLDR${url === '' ? '' : ` of ${url}`}: ${text}`)
  return all.map((text, i) => [`[${i}] ${text}`, ...below(i)].join('\n')).join('\n\n')
}

export const diffCommands: CommandGroup = (program, io) => {
  const diff = program.command('diff').description('digests of a day; a day has one')

  const add = diff
    .command('add')
    .requiredOption('--title <title>', 'the title')
    .requiredOption('--date <date>', 'the day, YYYY-MM-DD')
    .requiredOption('--file <file>', 'the text; - is standard input')
    .option('--window-days <days>', 'how many days back it looks (default: 1)', wholeNumber)
    .description("add a day's diff; an earlier one of that day and its stars go to the trash")
  onRun<AddOptions>(add, io, async (context, _, { title, date, file, windowDays }) => {
    const text = await readText(io, file)
    const added = await context.withVault((vault) => addDiff(vault, { title, date, text, windowDays, now: context.now }))
    if (added.replaced.length > 0) context.out.note(`It replaces the earlier diff of ${date}.`)
    context.out.result(added, () => added.id)
  })

  onRun(diff.command('list').description('list diffs, the latest day first'), io, async (context) => {
    const diffs = await context.withVault(listDiffs)
    context.out.result(diffs, () =>
      table(
        ['ID', 'DATE', 'STARS', 'TITLE'],
        diffs.map(({ id, date, stars, title }) => [id, date, String(stars), title]),
        'No diffs yet. Add one with: lockstep diff add --title TITLE --date YYYY-MM-DD --file FILE',
      ),
    )
  })

  const show = diff
    .command('show')
    .argument('<id>')
    .option('--paragraphs', 'number the paragraphs, as star add counts them, with their TLDRs')
    .description("print a diff's text")
  onRun<{ paragraphs?: boolean }>(show, io, async (context, [id = ''], { paragraphs: number }) => {
    const { found, tldrs } = await context.withVault((vault) => {
      const found = findDiff(vault, id)
      return { found, tldrs: listTldrs(vault, found.id) }
    })
    const all = paragraphs(found.text)
    if (context.out.json) context.out.result({ ...found, paragraphs: all, tldrs }, () => '')
    else if (number === true) context.out.result(all, () => numbered(all, tldrs))
    else context.out.raw(found.text)
  })

  onRun(
    diff.command('rm').argument('<id>').description('move a diff and its stars to the trash'),
    io,
    async (context, [given = '']) => {
      const id = await context.withVault((vault) => removeDiff(vault, given))
      context.out.done({ id }, () => `In the trash. Take it back with: lockstep diff restore ${id}`)
    },
  )

  const restore = diff
    .command('restore')
    .argument('<id>')
    .description('take a diff and its stars out of the trash, in place of the one of that day')
  onRun(restore, io, async (context, [given = '']) => {
    const id = await context.withVault((vault) => restoreDiff(vault, given))
    context.out.done({ id }, () => 'Restored.')
  })

  publishCommands(diff, io)
}
