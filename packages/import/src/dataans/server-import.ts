/**
 * Imports from a Dataans server: the whole list of operations is read once as it streams in, opened and checked, and only what it
 * comes to is written (latest.ts decides, target.ts writes). Nothing is written before the whole list has arrived; then
 * every few hundred notes are one transaction, so an import that is interrupted has imported a part, and doing it again
 * does the rest.
 *
 * Texts that are more than memory should hold are read in a second pass, unless they are here as they are there.
 *
 * Attached files are told and not brought: Lockstep has none yet.
 */
import { EngineError } from '@lockstep/engine/errors'
import type { LockstepVault } from '@lockstep/model/schema'
import type { DataansKey } from '#dataans/envelope'
import { rowIdOf } from '#dataans/ids'
import { Latest } from '#dataans/latest'
import type { DataansSpace } from '#dataans/operation'
import { DataansSource, type OpenedOperation, type SourceLimits } from '#dataans/source'
import { DataansTarget, type Outcomes, type SourceNote, type SourceSpace } from '#dataans/target'
import { toMillis } from '#dataans/timestamp'
import { ImportError } from '#errors'
import { NO_PACE, type OnAdded, type Pace } from '#pace'
import { Refusals } from '#refusals'
import type { Refused } from '#source-tree'
import type { WebSource } from '#web-source'

/** UTF-16 units. */
const BATCH_LENGTH = 4 * 1024 * 1024
const MOST_FILES_LISTED = 10_000
/** Asked for at once. */
const FILES_AT_ONCE = 4

export type ImportStep = 'Reading' | 'Importing' | 'Asking for files'

export interface DataansImportOptions {
  readonly web: WebSource
  /** Takes a second; called once there is a user to open something of. */
  readonly deriveKey: () => Promise<DataansKey>
  /** Unix milliseconds. */
  readonly now: () => number
  readonly onProgress?: (step: ImportStep, done: number, total: number) => void
  readonly signal?: AbortSignal
  /** UTF-16 units of text that are held between reading and writing. */
  readonly maxHeldText?: number
  readonly limits?: Partial<SourceLimits>
  readonly pace?: Pace | undefined
  /** Told of each space and note that was not there before. */
  readonly onAdded?: OnAdded | undefined
}

export interface WaitingFile {
  /** A uuid: what the source calls it. */
  readonly id: string
  readonly name: string
  /** Ids of the notes here that it belongs to; none for a space's picture. */
  readonly notes: readonly string[]
  /** Whether the server has its bytes; undefined where there is no server to ask, or it does not say. */
  readonly onServer?: boolean | undefined
}

export interface DataansImportSummary extends Readonly<Outcomes> {
  /** Operations read; 0 for an export. */
  readonly operations: number
  /** Attached files, which wait until Lockstep has files: the first ten thousand. */
  readonly files: readonly WaitingFile[]
  readonly moreFiles: number
  /** What could not be taken, each with the reason: the first thousand. */
  readonly refused: readonly Refused[]
  readonly moreRefused: number
}

/**
 * @throws ImportError `wrong-password`, `source-refused`, `source-invalid`: nothing was imported; `cancelled`: what was imported
 *   until then stays. EngineError `offline`, `gate-refused`, `cancelled`: nothing was imported, or, in a second pass, what the
 *   message says.
 */
export async function importDataansServer(vault: LockstepVault, options: DataansImportOptions): Promise<DataansImportSummary> {
  const source = new DataansSource(options.web, options.limits)
  const { secretKeyHash } = await source.user()
  const key = await options.deriveKey()
  const fits = await key.fits(secretKeyHash)
  if (fits === false) throw wrongPassword()

  const refusals = new Refusals()
  const latest = new Latest(options.maxHeldText)
  const read = { operations: 0, opened: 0 }
  const total = await source.countOperations()
  for await (const batch of source.operations(key)) {
    checkSignal(options.signal, 'before anything was imported')
    for (const opened of batch) {
      read.operations++
      if (opened.operation === undefined) refusals.add(operationName(opened), opened.reason)
      else {
        read.opened++
        latest.apply(opened.operation)
      }
    }
    options.onProgress?.('Reading', read.operations, Math.max(total, read.operations))
  }
  // Where the hash cannot be checked the operations say whether the key is right.
  if (fits === undefined && read.operations > 0 && read.opened === 0) throw wrongPassword()

  const import_ = new DataansImport(vault, latest, refusals, options)
  import_.spaces()
  const missing = await import_.heldNotes()
  if (missing.size > 0) {
    try {
      for await (const batch of source.operations(key, missing)) {
        for (const { operation } of batch) {
          if (operation === undefined || !missing.delete(operation.id)) continue
          const { name, payload } = operation.change
          if (name === 'CreateNote' || name === 'UpdateNote') await import_.take(latest.toNote(payload))
        }
      }
    } catch (error) {
      throw await import_.brokenOff(error)
    }
    for (const id of missing) refusals.add(`operation ${id}`, 'was there at first and then no more: import again')
  }
  await import_.finish()
  const { files, moreFiles } = await waitingFiles(latest, source, options)
  return {
    ...import_.outcomes,
    operations: read.operations,
    files,
    moreFiles,
    refused: refusals.listed,
    moreRefused: refusals.more,
  }
}

const wrongPassword = () =>
  new ImportError(
    'wrong-password',
    'this password and this passphrase are not the ones of this Dataans server: nothing was imported',
  )

const operationName = ({ id }: { readonly id?: string | undefined } & OpenedOperation) => `operation ${id ?? 'without an id'}`

function checkSignal(signal: AbortSignal | undefined, when: string): void {
  if (signal?.aborted) throw new ImportError('cancelled', `the import was stopped ${when}`)
}

function toSpace({ id, name, created_at, updated_at }: DataansSpace, deleted: boolean): SourceSpace {
  return { id, name, deleted, createdAt: toMillis(created_at), updatedAt: toMillis(updated_at) }
}

/** Writes in batches. */
class DataansImport {
  readonly #vault: LockstepVault
  readonly #latest: Latest
  readonly #target: DataansTarget
  readonly #options: DataansImportOptions
  readonly #pace: Pace
  readonly #spaces: ReadonlyMap<string, SourceSpace>
  #batch: { readonly id: string; readonly note: SourceNote | undefined }[] = []
  #length = 0
  #done = 0

  constructor(vault: LockstepVault, latest: Latest, refusals: Refusals, options: DataansImportOptions) {
    this.#vault = vault
    this.#latest = latest
    this.#options = options
    this.#pace = options.pace ?? NO_PACE
    this.#spaces = new Map(
      [...latest.spaces].flatMap(([id, { value, deleted }]) => (value === undefined ? [] : [[id, toSpace(value, deleted)]])),
    )
    this.#target = new DataansTarget({ vault, spaces: this.#spaces, refusals, now: options.now(), onAdded: options.onAdded })
  }

  get outcomes(): Readonly<Outcomes> {
    return this.#target.outcomes
  }

  spaces(): void {
    this.#vault.transact((tx) => this.#target.takeSpaces(tx))
  }

  /** All but those whose texts are not held. Returns the ids of the operations that have them. */
  async heldNotes(): Promise<Set<string>> {
    const missing = new Set<string>()
    for (const [id, note] of this.#latest.notes) {
      const { space, digest, value } = note
      if (this.#latest.isGone(note)) await this.#push(id, undefined)
      else if (value !== undefined) await this.take(value)
      else if (space === undefined || digest === undefined || !this.#target.passUnchanged({ id, digest, space }))
        missing.add(note.by)
      else this.#done++
    }
    return missing
  }

  take(note: SourceNote): Promise<void> {
    return this.#push(note.id, note)
  }

  async #push(id: string, note: SourceNote | undefined): Promise<void> {
    this.#batch.push({ id, note })
    this.#length += note?.text.length ?? 0
    if (this.#batch.length >= this.#pace.rows || this.#length >= BATCH_LENGTH) await this.#flush()
  }

  async #flush(): Promise<void> {
    const total = this.#latest.notes.size
    checkSignal(this.#options.signal, `after ${this.#done} of ${total} notes; import again for the rest`)
    this.#vault.transact((tx) => {
      for (const { id, note } of this.#batch) {
        if (note === undefined) this.#target.removeNote(tx, id)
        else this.#target.takeNote(tx, note)
      }
    })
    this.#done += this.#batch.length
    this.#batch = []
    this.#length = 0
    this.#options.onProgress?.('Importing', this.#done, total)
    await this.#pace.pause()
  }

  /** Keeps what has arrived, and says how much it is. */
  async brokenOff(error: unknown): Promise<unknown> {
    if (!(error instanceof EngineError || error instanceof ImportError) || this.#options.signal?.aborted) return error
    await this.#flush()
    const message = `${error.message}; ${this.#done} of ${this.#latest.notes.size} notes are imported, import again for the rest`
    return error instanceof EngineError
      ? new EngineError(error.code, message, { cause: error })
      : new ImportError(error.code, message, { cause: error })
  }

  async finish(): Promise<void> {
    await this.#flush()
    const deleted = [...this.#latest.spaces].filter(([, space]) => space.deleted)
    this.#vault.transact((tx) => {
      for (const [id] of deleted) this.#target.removeSpace(tx, id)
    })
  }
}

/** Files of notes and pictures of spaces that are not deleted there. */
async function waitingFiles(
  latest: Latest,
  source: DataansSource,
  { onProgress, signal }: DataansImportOptions,
): Promise<{ readonly files: WaitingFile[]; readonly moreFiles: number }> {
  const owners = new Map<string, string[]>()
  for (const [note, { value: ids = [] }] of latest.noteFiles) {
    const known = latest.notes.get(note)
    if (known === undefined || latest.isGone(known)) continue
    for (const id of ids) owners.set(id, [...(owners.get(id) ?? []), rowIdOf(note)])
  }
  for (const { value, deleted } of latest.spaces.values()) {
    if (value !== undefined && !deleted && latest.files.get(value.avatar_id)?.value !== undefined) {
      owners.set(value.avatar_id, owners.get(value.avatar_id) ?? [])
    }
  }
  // A note may still name a file that was deleted; one that was never described is there all the same.
  const all = [...owners].filter(([id]) => !latest.files.has(id) || latest.files.get(id)?.value !== undefined)
  const listed = all.slice(0, MOST_FILES_LISTED)
  const files: WaitingFile[] = []
  for (let i = 0; i < listed.length; i += FILES_AT_ONCE) {
    if (signal?.aborted) break
    files.push(
      ...(await Promise.all(
        listed.slice(i, i + FILES_AT_ONCE).map(async ([id, notes]) => ({
          id,
          name: latest.files.get(id)?.value?.name ?? '',
          notes,
          onServer: await isOnServer(source, id),
        })),
      )),
    )
    onProgress?.('Asking for files', files.length, listed.length)
  }
  return { files, moreFiles: all.length - files.length }
}

/** Everything is imported when this is asked: a server that does not answer leaves it open. */
async function isOnServer(source: DataansSource, id: string): Promise<boolean | undefined> {
  try {
    return await source.hasFile(id)
  } catch (error) {
    if (error instanceof EngineError || error instanceof ImportError) return undefined
    throw error
  }
}
