/** `lockstep export …` */
import { exportJson } from '@lockstep/import/json-export'
import { exportMarkdown } from '@lockstep/import/markdown-export'
import { openDestination } from '@lockstep/import/platform/node/write-folder'
import { type CommandGroup, onRun } from '#context'
import { JSON_FILE } from '#json-file'
import { counted, printable } from '#table'

export const exportCommands: CommandGroup = (program, io) => {
  const group = program.command('export').description('take everything out, readable without Lockstep')

  const markdown = group
    .command('markdown')
    .argument('<dest>', 'an empty or new folder')
    .description('write a folder of Markdown files: a folder for each space, a file for each note')
  onRun(markdown, io, async (context, [dest = '']) => {
    const { hasDiffs, ...summary } = await context.withVault(async (vault) => {
      const destination = await openDestination(dest)
      const hasDiffs = vault.query('SELECT 1 FROM diffs LIMIT 1').length > 0
      const exported = await context.withProgress((progress) =>
        exportMarkdown(vault, destination, {
          signal: io.interrupted(),
          onProgress: ({ done, total }) => progress.update('Exporting', done, total),
        }),
      )
      return { ...exported, hasDiffs }
    })
    if (hasDiffs) context.out.note('Diffs, stars and the profile are not in it: they come with lockstep export json.')
    context.out.result(summary, () =>
      [
        `${counted(summary.notes, 'note')} in ${counted(summary.folders, 'folder')} written to ${dest}.`,
        ...summary.renamed.map(({ wanted, path }) => `Renamed: ${printable(wanted)} is ${printable(path)}.`),
      ].join('\n'),
    )
  })

  const json = group
    .command('json')
    .argument('<dest>', `an empty or new folder, which gets one file, ${JSON_FILE}`)
    .description('write everything, API keys included, as one JSON document')
  onRun(json, io, async (context, [dest = '']) => {
    const counts = await context.withVault(async (vault) => {
      // It holds API keys: for nobody else's eyes.
      const destination = await openDestination(dest, { mode: 0o600 })
      const pieces: string[] = []
      const counts = await exportJson(vault, { now: io.now(), write: (text) => void pieces.push(text) })
      await destination.writeFile(JSON_FILE, new TextEncoder().encode(pieces.join('')))
      return counts
    })
    context.out.result(
      { file: JSON_FILE, ...counts },
      () => `${counted(counts.notes, 'note')} and everything else written to ${dest}/${JSON_FILE}.`,
    )
  })
}
