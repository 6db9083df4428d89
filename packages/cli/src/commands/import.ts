/** `lockstep import …` */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { importJson } from '@lockstep/import/json-import'
import { importMarkdown, type MarkdownImportSummary } from '@lockstep/import/markdown-import'
import { readFolder } from '@lockstep/import/platform/node/read-folder'
import { importAppCommands } from '#commands/import-apps'
import { type CommandGroup, onRun } from '#context'
import { readText } from '#input'
import { JSON_FILE } from '#json-file'
import { counted, printable } from '#table'

function describe({
  spaces,
  added,
  updated,
  unchanged,
  inTrash,
  otherFiles,
  hidden,
  links,
  special,
  refused,
}: MarkdownImportSummary): string {
  const trashed = inTrash === 0 ? '' : ` (${inTrash} of them in the trash)`
  const notes = `${counted(added, 'note')} added, ${updated} updated, ${unchanged} unchanged${trashed}, ${counted(spaces, 'new space')}.`
  const left = [
    otherFiles > 0 && counted(otherFiles, 'other file'),
    hidden > 0 && counted(hidden, 'hidden file or folder', 'hidden files or folders'),
    links > 0 && counted(links, 'symbolic link'),
    special > 0 && counted(special, 'special file'),
  ].filter((part) => part !== false)
  return [
    notes,
    ...(left.length > 0 ? [`Left out: ${left.join(', ')}.`] : []),
    ...refused.map(({ path, reason }) => `Refused: ${printable(path)} ${reason}.`),
  ].join('\n')
}

export const importCommands: CommandGroup = (program, io) => {
  const group = program.command('import').description('bring notes in; importing the same again changes nothing')

  const markdown = group
    .command('markdown')
    .argument('<dir>', 'a folder: each folder in it becomes a space, each .md file a note')
    .description('import a folder of Markdown files')
  onRun(markdown, io, async (context, [dir = '']) => {
    const tree = await readFolder(dir)
    const summary = await context.withVault((vault) =>
      context.withProgress((progress) =>
        importMarkdown(vault, tree, {
          now: io.now,
          signal: io.interrupted(),
          onProgress: ({ done, total }) => progress.update('Importing', done, total),
        }),
      ),
    )
    context.out.result(summary, () => describe(summary))
  })

  const json = group
    .command('json')
    .argument('<source>', 'what export json wrote: the folder or the file; - is standard input')
    .description('import a JSON export')
  onRun(json, io, async (context, [source = '']) => {
    const folder =
      source !== '-' &&
      (await stat(source).then(
        (found) => found.isDirectory(),
        () => false,
      ))
    const text = await readText(io, folder ? join(source, JSON_FILE) : source)
    const summary = await context.withVault((vault) => importJson(vault, text))
    const { added, updated, unchanged, kept } = summary
    context.out.result(
      summary,
      () => `${counted(added, 'row')} added, ${updated} updated, ${unchanged} unchanged, ${kept} kept as they are here.`,
    )
  })

  importAppCommands(group, io)
}
