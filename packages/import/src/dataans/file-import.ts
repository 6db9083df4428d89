/**
 * Imports Dataans' own JSON export, version V1. It holds what is not deleted, so nothing is taken away here; otherwise it does what an
 * import from the server does (target.ts), with the same ids.
 *
 *     {"version": "V1", "data": [{"space": {id, name, created_at, updated_at, avatar: {id, path}},
 *                                 "notes": [{id, text, created_at, updated_at, space_id, files: [{id, name, path, status}]}]}]}
 *
 * Paths of files are of the machine that wrote it: they are never looked at. A space or note that cannot be read is told, and the
 * others are taken.
 */
import type { LockstepVault } from '@lockstep/model/schema'
import { z } from 'zod'
import { rowIdOf } from '#dataans/ids'
import { uuid } from '#dataans/operation'
import type { DataansImportSummary, WaitingFile } from '#dataans/server-import'
import { DataansTarget, type SourceNote, type SourceSpace } from '#dataans/target'
import { parseExportTime, toMillis } from '#dataans/timestamp'
import { ImportError } from '#errors'
import { NO_PACE, type OnAdded, type Pace } from '#pace'
import { Refusals } from '#refusals'

/** UTF-16 units. */
const BATCH_LENGTH = 4 * 1024 * 1024
const MOST_FILES_LISTED = 10_000

const time = z.unknown().transform((value, context) => {
  const nanos = parseExportTime(value)
  if (nanos !== undefined) return toMillis(nanos)
  context.addIssue({ code: 'custom', message: 'is not a time' })
  return z.NEVER
})
const outerSchema = z.object({ version: z.literal('V1'), data: z.array(z.unknown()) })
const groupSchema = z.object({ space: z.unknown(), notes: z.array(z.unknown()).default([]) })
const spaceSchema = z.object({ id: uuid, name: z.string(), created_at: time, updated_at: time })
const fileSchema = z.object({ id: uuid, name: z.string() })
const noteSchema = z.object({
  id: uuid,
  text: z.string(),
  created_at: time,
  updated_at: time,
  space_id: uuid,
  files: z.array(z.unknown()).default([]),
})

interface ReadExport {
  readonly spaces: ReadonlyMap<string, SourceSpace>
  readonly notes: readonly SourceNote[]
  readonly files: ReadonlyMap<string, WaitingFile>
}

export interface DataansFileOptions {
  /** Unix milliseconds. */
  readonly now: () => number
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
  readonly pace?: Pace | undefined
  /** Told of each space and note that was not there before. */
  readonly onAdded?: OnAdded | undefined
}

/** @throws ImportError `source-invalid`, before anything is written; `cancelled`, what was imported until then stays */
export async function importDataansFile(
  vault: LockstepVault,
  text: string,
  { now, onProgress, signal, pace = NO_PACE, onAdded }: DataansFileOptions,
): Promise<DataansImportSummary> {
  const refusals = new Refusals()
  const { spaces, notes, files } = readExport(text, refusals)
  const target = new DataansTarget({ vault, spaces, refusals, now: now(), onAdded })
  vault.transact((tx) => target.takeSpaces(tx))
  let done = 0
  while (done < notes.length) {
    if (signal?.aborted) {
      throw new ImportError('cancelled', `the import was stopped after ${done} of ${notes.length} notes; import again for the rest`)
    }
    let to = done
    let length = 0
    while (to < notes.length && to - done < pace.rows && length < BATCH_LENGTH) length += (notes[to++] as SourceNote).text.length
    vault.transact((tx) => {
      for (const note of notes.slice(done, to)) target.takeNote(tx, note)
    })
    done = to
    onProgress?.(done, notes.length)
    await pace.pause()
  }
  const listed = [...files.values()].slice(0, MOST_FILES_LISTED)
  return {
    ...target.outcomes,
    operations: 0,
    files: listed,
    moreFiles: files.size - listed.length,
    refused: refusals.listed,
    moreRefused: refusals.more,
  }
}

function readExport(text: string, refusals: Refusals): ReadExport {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ImportError('source-invalid', `this is not JSON: ${(error as Error).message}`, { cause: error })
  }
  const outer = outerSchema.safeParse(value)
  if (!outer.success) throw new ImportError('source-invalid', 'this is not a Dataans export of version V1')
  const spaces = new Map<string, SourceSpace>()
  const notes = new Map<string, SourceNote>()
  const files = new Map<string, WaitingFile>()
  for (const [i, entry] of outer.data.data.entries()) {
    const group = groupSchema.safeParse(entry)
    if (!group.success) {
      refusals.add(`entry ${i}`, reasonOf(group.error))
      continue
    }
    const space = spaceSchema.safeParse(group.data.space)
    if (space.success) {
      const { id, name, created_at, updated_at } = space.data
      spaces.set(id, { id, name, deleted: false, createdAt: created_at, updatedAt: updated_at })
    } else refusals.add(named('space', group.data.space, i), reasonOf(space.error))
    for (const [j, raw] of group.data.notes.entries()) {
      const note = noteSchema.safeParse(raw)
      if (!note.success) {
        refusals.add(named('note', raw, j), reasonOf(note.error))
        continue
      }
      const { id, text, space_id, created_at, updated_at } = note.data
      notes.set(id, { id, text, space: space_id, createdAt: created_at, updatedAt: updated_at })
      for (const [k, attached] of note.data.files.entries()) {
        const file = fileSchema.safeParse(attached)
        if (file.success) addFile(files, file.data, rowIdOf(id))
        else refusals.add(`${named('file', attached, k)} of note ${id}`, reasonOf(file.error))
      }
    }
  }
  return { spaces, notes: [...notes.values()], files }
}

function addFile(files: Map<string, WaitingFile>, { id, name }: z.output<typeof fileSchema>, note: string): void {
  files.set(id, { id, name, notes: [...(files.get(id)?.notes ?? []), note] })
}

/** By its id if it has one, else by its place. */
function named(kind: string, value: unknown, index: number): string {
  const id = typeof value === 'object' && value !== null ? uuid.safeParse((value as { id?: unknown }).id) : undefined
  return `${kind} ${id?.success === true ? id.data : `number ${index + 1}`}`
}

function reasonOf({ issues }: z.ZodError): string {
  const [issue] = issues
  return issue === undefined ? 'cannot be read' : `cannot be read (${[...issue.path.map(String), issue.message].join(': ')})`
}
