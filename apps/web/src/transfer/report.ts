/** What came of an export or an import, in lines that people read and copy. */
import type { DataansImportSummary } from '@lockstep/import/dataans/server-import'
import type { DifflogImportSummary } from '@lockstep/import/difflog/server-import'
import type { MarkdownImportSummary } from '@lockstep/import/markdown-import'
import type { Refused } from '@lockstep/import/source-tree'
import type { ExportResult, ImportResult } from '#host/transfer-jobs'
import { w } from '#strings/transfer'

export interface Told {
  readonly lines: readonly string[]
  /** One line for each: files that were refused, those that were renamed. */
  readonly details: readonly string[]
}

/** A line break in a file's name is shown as a space: a name is one line. */
const oneLine = (text: string) => text.replace(/\p{Cc}+/gu, ' ')
const some = (lines: readonly (string | false)[]): string[] => lines.filter((line) => line !== false)

export function tellExport(result: ExportResult): Told {
  if (result.format === 'json') {
    const { spaces, notes, diffs, stars } = result.summary
    return { lines: [w.exportedJson(spaces, notes, diffs, stars)], details: [] }
  }
  const { notes, folders, renamed } = result.summary
  return {
    lines: some([w.exportedMarkdown(notes, folders), renamed.length > 0 && w.renamedCount(renamed.length)]),
    details: renamed.map(({ wanted, path }) => w.renamed(oneLine(wanted), oneLine(path))),
  }
}

export function tellImport(result: ImportResult): Told {
  switch (result.kind) {
    case 'markdown':
      return tellMarkdown(result.summary)
    case 'json': {
      const { added, updated, unchanged, kept } = result.summary
      return { lines: [w.rows(added, updated, unchanged), ...some([kept > 0 && w.kept(kept)])], details: [] }
    }
    case 'dataans':
      return tellDataans(result.summary)
    case 'difflog':
      return tellDifflog(result.summary)
  }
}

interface Refusals {
  readonly refused: readonly Refused[]
  readonly moreRefused?: number
}

const refusedLine = ({ refused, moreRefused = 0 }: Refusals) => refused.length > 0 && w.refusedCount(refused.length + moreRefused)

type TellRefused = (path: string, reason: string) => string

function refusedDetails({ refused, moreRefused = 0 }: Refusals, tell: TellRefused = w.refused): string[] {
  return [
    ...refused.map(({ path, reason }) => tell(oneLine(path), oneLine(reason))),
    ...some([moreRefused > 0 && w.moreRefused(moreRefused)]),
  ]
}

function tellMarkdown(summary: MarkdownImportSummary): Told {
  const { spaces, added, updated, unchanged, inTrash, otherFiles, hidden, links, special } = summary
  return {
    lines: some([
      w.notes(added, updated, unchanged, inTrash),
      spaces > 0 && w.newSpaces(spaces),
      otherFiles + hidden + links + special > 0 && w.leftOut(otherFiles, hidden, links + special),
      refusedLine(summary),
    ]),
    details: refusedDetails(summary, w.refusedFile),
  }
}

function tellDataans(summary: DataansImportSummary): Told {
  const { spaces, added, updated, unchanged, inTrash, trashed, kept, files, moreFiles } = summary
  return {
    lines: some([
      w.notes(added, updated, unchanged, inTrash),
      spaces > 0 && w.newSpaces(spaces),
      trashed > 0 && w.trashedThere(trashed),
      kept > 0 && w.keptThough(kept),
      files.length > 0 && w.waitingFiles(files.length + moreFiles),
      refusedLine(summary),
    ]),
    details: [...refusedDetails(summary), ...files.map(({ id, name }) => w.waitingFile(oneLine(name) || id))],
  }
}

function tellDifflog(summary: DifflogImportSummary): Told {
  const { diffs, stars, tldrs, profileChanged, withoutDay } = summary
  return {
    lines: some([
      w.difflog.diffs(diffs),
      w.difflog.stars(stars),
      w.difflog.tldrs(tldrs),
      profileChanged && w.difflog.profile,
      withoutDay.length > 0 && w.difflog.withoutDay(withoutDay.length),
      refusedLine(summary),
    ]),
    details: refusedDetails(summary),
  }
}
