/**
 * Imports a tree of Markdown files: a space of each top-level folder, a note of each `.md` below it. A file at the top goes
 * into a space that is named after the tree. Bytes are kept exactly: byte-order mark, line ends, what the last line lacks.
 *
 * What a file does to its note (source-id.ts says which note that is):
 *
 * | the note | the file | then |
 * | --- | --- | --- |
 * | is not there | | it is added |
 * | is there, edited since or not | as last imported | nothing: what people did since stays, a note in the trash too |
 * | is there | changed | the text becomes the file's (as a diff; the earlier text is in the history); out of the trash |
 *
 * A note stays in the space it was moved to, and keeps a title that somebody gave it. The space is the one that an earlier
 * import made, else an existing one with the folder's name, else a new one; a deleted space comes back when a note
 * is added to it.
 *
 * Every few hundred notes are one transaction, so an import that is interrupted has imported a part, and doing it again
 * does the rest.
 */
import { MAX_VALUE_BYTES } from '@lockstep/engine/transaction'
import { titleOf } from '@lockstep/model/markdown-title'
import type { LockstepVault } from '@lockstep/model/schema'
import { ImportError } from '#errors'
import { NO_PACE, type OnAdded, type Pace } from '#pace'
import { contentDigest, noteIdOf, type Place, spaceIdOf } from '#source-id'
import { isMarkdown, type Refused, type SourceFile, type SourceTree } from '#source-tree'

const BATCH_BYTES = 8 * 1024 * 1024

export interface MarkdownImportOptions {
  /** Unix milliseconds. */
  readonly now: () => number
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  readonly signal?: AbortSignal
  readonly pace?: Pace | undefined
  /** Told of each row that was not there before. */
  readonly onAdded?: OnAdded | undefined
}

export interface MarkdownImportSummary {
  /** Spaces made. */
  readonly spaces: number
  readonly added: number
  readonly updated: number
  readonly unchanged: number
  /** Of the unchanged ones, those that are in the trash, or whose space is. */
  readonly inTrash: number
  /** Files that are not Markdown. */
  readonly otherFiles: number
  readonly hidden: number
  readonly links: number
  readonly special: number
  /** Files that could not be taken, each with the reason. */
  readonly refused: readonly Refused[]
  /** Where more were refused than are listed: how many more. */
  readonly moreRefused?: number
}

/** Where a file belongs. `path` is below the folder. */
interface Location {
  readonly place: Place
  readonly folder: string
  readonly path: string
}

interface ReadNote extends Location {
  readonly modifiedAt: number | undefined
  readonly id: string
  readonly digest: string
  readonly text: string
}

function locate(path: string, treeName: string): Location {
  const slash = path.indexOf('/')
  if (slash < 0) return { place: 'top', folder: treeName, path }
  return { place: 'folder', folder: path.slice(0, slash), path: path.slice(slash + 1) }
}

/** @throws ImportError `cancelled`; what was imported until then stays. */
export async function importMarkdown(
  vault: LockstepVault,
  tree: SourceTree,
  { now, onProgress, signal, pace = NO_PACE, onAdded }: MarkdownImportOptions,
): Promise<MarkdownImportSummary> {
  const files = tree.files.filter(({ path }) => isMarkdown(path))
  const refused: Refused[] = [...tree.refused]
  const spaces = await TargetSpaces.open(vault, tree, files, onAdded)
  const outcomes: Record<Outcome, number> = { added: 0, updated: 0, unchanged: 0, inTrash: 0 }
  vault.transact((tx) => spaces.makeFolders(tx, now()))
  let done = 0
  for (const batch of batches(files, pace.rows)) {
    if (signal?.aborted) {
      throw new ImportError('cancelled', `the import was stopped after ${done} of ${files.length} files; import again for the rest`)
    }
    const read = await Promise.all(batch.map((file) => readNote(file, tree.name, refused)))
    vault.transact((tx) => {
      for (const note of read) if (note !== undefined) outcomes[takeNote({ vault, tx, spaces, note, now: now(), onAdded })]++
    })
    done += batch.length
    onProgress?.({ done, total: files.length })
    await pace.pause()
  }
  const { hidden, link, special } = tree.skipped
  const { added, updated, unchanged, inTrash } = outcomes
  return {
    spaces: spaces.made,
    added,
    updated,
    unchanged: unchanged + inTrash,
    inTrash,
    otherFiles: tree.files.length - files.length,
    hidden,
    links: link,
    special,
    refused: refused.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    ...(tree.moreRefused && { moreRefused: tree.moreRefused }),
  }
}

type Outcome = 'added' | 'updated' | 'unchanged' | 'inTrash'

interface Taking {
  readonly vault: LockstepVault
  readonly tx: Writer
  readonly spaces: TargetSpaces
  readonly note: ReadNote
  readonly now: number
  readonly onAdded: OnAdded | undefined
}

const KNOWN = `SELECT source, title, text, path, updatedAt, EXISTS (SELECT 1 FROM notes v WHERE v.id = n.id) AS visible
  FROM all_notes n WHERE id = ?`

function takeNote({ vault, tx, spaces, note, now, onAdded }: Taking): Outcome {
  const { id, path, text, digest } = note
  const [known] = vault.query(KNOWN, id)
  // A file from the future would stay ahead of every edit in lists by time.
  const time = Math.min(now, note.modifiedAt ?? now)
  const title = titleOf(text, fileName(path))
  if (known === undefined) {
    const space = spaces.ensure(tx, note, now)
    tx.put('notes', id, { space, title, path, text, source: digest, createdAt: time, updatedAt: time })
    onAdded?.('notes', id)
    return 'added'
  }
  if (known['source'] === digest) return known['visible'] === 1 ? 'unchanged' : 'inTrash'
  const titleWasImported = known['title'] === titleOf(String(known['text']), fileName(String(known['path'] ?? path)))
  const updatedAt = Math.max(time, Number(known['updatedAt']))
  tx.update('notes', id, { title: titleWasImported ? title : undefined, text, source: digest, updatedAt })
  return 'updated'
}

const fileName = (path: string) => path.slice(path.lastIndexOf('/') + 1)

function* batches(files: readonly SourceFile[], most: number): Generator<SourceFile[]> {
  let batch: SourceFile[] = []
  let bytes = 0
  for (const file of files) {
    if (batch.length > 0 && (batch.length >= most || bytes + file.size > BATCH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(file)
    bytes += Math.min(file.size, MAX_VALUE_BYTES)
  }
  if (batch.length > 0) yield batch
}

async function readNote(file: SourceFile, treeName: string, refused: Refused[]): Promise<ReadNote | undefined> {
  const refuse = (reason: string) => {
    refused.push({ path: file.path, reason })
    return undefined
  }
  const tooLarge = `is over the limit of ${MAX_VALUE_BYTES / 1024 / 1024} MiB for one note`
  if (file.size > MAX_VALUE_BYTES) return refuse(tooLarge)
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = await file.read(MAX_VALUE_BYTES)
  } catch (error) {
    return refuse(`cannot be read (${error instanceof Error ? error.message : String(error)})`)
  }
  if (bytes.length > MAX_VALUE_BYTES) return refuse(tooLarge)
  let text: string
  try {
    // With ignoreBOM a byte-order mark stays in the text: decoding and encoding give the same bytes.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse('is not UTF-8 text')
  }
  const location = locate(file.path, treeName)
  const [id, digest] = await Promise.all([noteIdOf(location.place, location.folder, location.path), contentDigest(bytes)])
  return { ...location, modifiedAt: file.modifiedAt, id, digest, text }
}

type Writer = Parameters<Parameters<LockstepVault['transact']>[0]>[0]

interface TargetSpace {
  readonly id: string
  readonly place: Place
  readonly folder: string
  state: 'absent' | 'deleted' | 'alive'
}

/** The space of each folder; a deleted one comes back only when something is put into it. */
class TargetSpaces {
  /** Spaces that did not exist before. */
  made = 0
  readonly #targets: ReadonlyMap<string, TargetSpace>
  readonly #onAdded: OnAdded | undefined

  constructor(targets: ReadonlyMap<string, TargetSpace>, onAdded: OnAdded | undefined) {
    this.#targets = targets
    this.#onAdded = onAdded
  }

  static async open(
    vault: LockstepVault,
    tree: SourceTree,
    files: readonly SourceFile[],
    onAdded: OnAdded | undefined,
  ): Promise<TargetSpaces> {
    const targets = new Map<string, TargetSpace>()
    for (const folder of tree.folders) targets.set(`folder/${folder}`, await findTarget(vault, 'folder', folder))
    if (files.some(({ path }) => !path.includes('/'))) targets.set(`top/${tree.name}`, await findTarget(vault, 'top', tree.name))
    return new TargetSpaces(targets, onAdded)
  }

  /** Makes the spaces of all folders that never had one, also of those without a note. */
  makeFolders(tx: Writer, now: number): void {
    for (const target of this.#targets.values()) {
      if (target.place === 'folder' && target.state === 'absent') this.ensure(tx, target, now)
    }
  }

  /** Returns the id of a space that is there now. */
  ensure(tx: Writer, { place, folder }: { readonly place: Place; readonly folder: string }, now: number): string {
    const target = this.#targets.get(`${place}/${folder}`)
    if (target === undefined) throw new ImportError('source-invalid', `the tree has a file in "${folder}", which it does not list`)
    if (target.state === 'absent') {
      tx.put('spaces', target.id, { name: folder, folder: place === 'top' ? '' : undefined, createdAt: now, updatedAt: now })
      this.made++
      this.#onAdded?.('spaces', target.id)
    } else if (target.state === 'deleted') {
      tx.restore('spaces', target.id)
    }
    target.state = 'alive'
    return target.id
  }
}

async function findTarget(vault: LockstepVault, place: Place, folder: string): Promise<TargetSpace> {
  const id = await spaceIdOf(place, folder)
  const [known] = vault.query('SELECT _deleted FROM all_spaces WHERE id = ?', id)
  if (known !== undefined) return { id, place, folder, state: known['_deleted'] === 1 ? 'deleted' : 'alive' }
  // The tree's top never takes a space by name: a folder of the same name may stand right beside it.
  const [named] =
    place === 'top' ? [] : vault.query('SELECT id FROM spaces WHERE name = ? AND folder IS NULL ORDER BY id LIMIT 1', folder)
  return named === undefined ? { id, place, folder, state: 'absent' } : { id: String(named['id']), place, folder, state: 'alive' }
}
