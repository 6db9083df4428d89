/** `lockstep search` */
import { parseQuery } from '@lockstep/engine/search/query'
import { snippet } from '@lockstep/engine/search/snippet'
import { SHOWN_DIFFS } from '@lockstep/model/diffs'
import { type CommandGroup, type Context, onRun } from '#context'
import { wholeNumber } from '#numbers'
import { table } from '#table'

const LIMIT = 50

const NOTE = 'SELECT s.name AS space, n.title, n.text FROM notes n LEFT JOIN all_spaces s ON s.id = n.space WHERE n.id = ?'
const DIFF = `SELECT NULL AS space, d.title, d.text FROM ${SHOWN_DIFFS} d WHERE d.id = ?`

/** After a large import the index needs a moment; an answer without the newest notes would look like a loss. */
const LOOK_EVERY_MILLIS = 100
/** Looks without any progress, after which the incomplete answer is given. */
const PATIENCE = 100

interface Answer {
  readonly ids: readonly string[]
  readonly backlog: number
}

async function whenIndexed(context: Context, ask: () => Answer): Promise<readonly string[]> {
  return context.withProgress(async (progress) => {
    let answer = ask()
    const total = answer.backlog
    for (let idle = 0; answer.backlog > 0 && idle < PATIENCE; ) {
      progress.update('Indexing', total - answer.backlog, total)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MILLIS))
      const next = ask()
      idle = next.backlog < answer.backlog ? 0 : idle + 1
      answer = next
    }
    if (answer.backlog > 0) context.out.note(`${answer.backlog} changed rows are not indexed yet: ask again in a moment.`)
    return answer.ids
  })
}

interface SearchOptions {
  readonly limit: number
  readonly diffs?: boolean
}

export const searchCommands: CommandGroup = (program, io) => {
  const search = program
    .command('search')
    .argument('<words...>', 'words that all occur; the last may be a beginning; "words in quotes" stand together')
    .option('--limit <number>', 'at most this many', wholeNumber, LIMIT)
    .option('--diffs', 'search diffs instead of notes')
    .description('search titles and texts, the newest first')
  onRun<SearchOptions, readonly [string[]]>(search, io, async (context, [words], { limit, diffs }) => {
    const text = words.join(' ')
    const query = parseQuery(text)
    const found = await context.withVault(async (vault) => {
      const table = diffs === true ? 'diffs' : 'notes'
      const ids = await whenIndexed(context, () => vault.search(table, text, { limit: limit + 1 }))
      return ids.flatMap((id) => {
        const [row] = diffs === true ? vault.query(DIFF, id) : vault.query(NOTE, id)
        if (row === undefined) return []
        const { space, title, text: body } = row
        return [{ id, space: space as string | null, title: String(title), snippet: snippet(String(body), query).text }]
      })
    })
    const shown = found.slice(0, limit)
    if (found.length > limit) context.out.note(`There are more than these ${limit}: see them with --limit.`)
    context.out.result(shown, () =>
      table(
        ['ID', 'SPACE', 'TITLE', 'TEXT'],
        shown.map(({ id, space, title, snippet }) => [id, space ?? '', title, snippet]),
        'Nothing found.',
      ),
    )
  })
}
