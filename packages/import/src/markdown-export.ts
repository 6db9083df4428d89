/**
 * Exports all visible notes as a tree of Markdown files: the inverse of markdown-import.ts, byte for byte. The layout is
 * decided first and as a whole (export-layout.ts); texts are then read one by one.
 */
import { listNotes } from '@lockstep/model/notes'
import type { LockstepVault } from '@lockstep/model/schema'
import { findSpace, listSpaces } from '@lockstep/model/spaces'
import { ImportError } from '#errors'
import { layOut, type Renamed } from '#export-layout'
import type { NameRules } from '#file-names'

/** Where a tree is written: an empty folder. Paths are below it, with `/`. */
export interface Destination {
  readonly rules: NameRules
  makeFolder(path: string): Promise<void>
  /** Fails rather than replacing a file. `modifiedAt`, Unix milliseconds, is for destinations that keep times. */
  writeFile(path: string, bytes: Uint8Array<ArrayBuffer>, modifiedAt?: number): Promise<void>
}

export interface MarkdownExportOptions {
  /** Id of the one space that is wanted. */
  readonly space?: string | undefined
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  readonly signal?: AbortSignal
}

export interface MarkdownExportSummary {
  readonly folders: number
  readonly notes: number
  readonly renamed: readonly Renamed[]
}

/** @throws ImportError `cancelled`; ModelError `no-such-space`; and what the destination throws */
export async function exportMarkdown(
  vault: LockstepVault,
  destination: Destination,
  { space, onProgress, signal }: MarkdownExportOptions = {},
): Promise<MarkdownExportSummary> {
  const spaces = space === undefined ? listSpaces(vault) : [findSpace(vault, space)]
  const notes = listNotes(vault, space === undefined ? {} : { space }).map(({ id, spaceId, path, title }) => ({
    id,
    space: spaceId,
    path,
    title,
  }))
  const { folders, files, renamed } = layOut(spaces, notes, destination.rules)
  const encoder = new TextEncoder()
  let written = 0
  for (const folder of folders) await destination.makeFolder(folder)
  for (const [i, { id, path }] of files.entries()) {
    if (signal?.aborted) throw new ImportError('cancelled', `the export was stopped after ${i} of ${files.length} notes`)
    const [row] = vault.query('SELECT text, updatedAt FROM notes WHERE id = ?', id)
    // One that was deleted meanwhile is left out.
    if (row === undefined) continue
    await destination.writeFile(path, encoder.encode(String(row['text'])), Number(row['updatedAt']))
    written++
    onProgress?.({ done: i + 1, total: files.length })
  }
  return { folders: folders.length, notes: written, renamed }
}
