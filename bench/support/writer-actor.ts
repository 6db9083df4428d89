/**
 * A device put together from the engine's parts, so that a benchmark decides when it seals, pushes and merges: a long
 * life has to be written in minutes, and left unmerged until it is measured. Its database is never synced to the disk.
 */
import { hash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Account } from '@lockstep/engine/account'
import { type MergeResult, Merger } from '@lockstep/engine/compaction/merger'
import { nodeCompression } from '@lockstep/engine/platform/node/compression'
import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { secretFiles } from '@lockstep/engine/platform/node/secret-files'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { Remote } from '@lockstep/engine/remote'
import { createSealer } from '@lockstep/engine/sealing'
import { type SyncCounts, Syncer, type SyncResult, type SyncTools } from '@lockstep/engine/sync'
import { Uploader } from '@lockstep/engine/upload'
import { openVault, type Vault } from '@lockstep/engine/vault'
import { schema, type Tables } from '@lockstep/model/schema'
import type { SegmentRecord } from '@lockstep/protocol/records'
import { serveActor, usage } from './actor.ts'
import { Editor } from './edits.ts'
import { History, type HistoryOptions } from './history.ts'
import { digestNote, type NotePrint } from './note-print.ts'
import { profiled } from './profile.ts'

const BATCH = 1000

interface Parts {
  readonly vault: Vault<Tables>
  readonly editor: Editor
  readonly tools: SyncTools
  readonly syncer: Syncer
  readonly uploader: Uploader
}

let parts: Parts | undefined
let history: History | undefined

function opened(): Parts {
  if (parts === undefined) throw new Error('open the device first')
  return parts
}

interface OpenRequest {
  readonly home: string
  readonly server: string
  readonly seed: number
  /** Absent on the first device. */
  readonly passphrase?: string
}

const random = (length: number) => new Uint8Array(randomBytes(length))
let home: { readonly vault: Vault<Tables>; readonly account: Account; readonly http: ReturnType<typeof createNodeHttp> } | undefined

async function openHome({ home: folder }: OpenRequest): Promise<NonNullable<typeof home>> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const http = createNodeHttp()
  const vault = openVault({
    schema,
    driver: openSqlite({ path: join(folder, 'vault.db'), durability: 'cache' }),
    runtime: { now: () => Date.now(), random },
    schedule: (run) => queueMicrotask(run),
  })
  home = { vault, account: await Account.open(vault.store, secretFiles(folder), http.http), http }
  return home
}

function assemble(account: Account, { server, seed }: OpenRequest): void {
  const { vault, http } = home as NonNullable<typeof home>
  const { vaultId, vaultKeys, token } = account.session()
  const sealer = createSealer({ vaultId, vaultKeys, compression: nodeCompression, random })
  const remote = new Remote({ server, http: http.http })
  const tools = { store: vault.store, sealer, sha256: (bytes: Uint8Array) => hash('sha256', bytes, 'buffer'), remote, token }
  const syncer = new Syncer(tools)
  const { inbox, outbox } = syncer
  const uploader = new Uploader({ ...tools, log: inbox.log, outbox, renewKeys: async () => false, onDate: () => {} })
  parts = { vault, editor: new Editor(vault, seed), tools, syncer, uploader }
}

async function close(): Promise<void> {
  await home?.vault.close()
  home?.http.close()
}

interface HistoryRequest extends Omit<HistoryOptions, 'sealer'> {
  readonly segments: number
  readonly perSegment: number
}

async function push(): Promise<SyncCounts> {
  const { segments, bytes } = await opened().uploader.run({})
  return { segments, bytes }
}

const methods = {
  /** Opens and signs in; returns the vault's passphrase. */
  async open({ passphrase, ...request }: OpenRequest): Promise<string> {
    const { account } = await openHome(request)
    const { passphrase: made = passphrase ?? '' } = await account.signIn({
      server: request.server,
      vault: 'main',
      password: 'correct horse',
      intent: passphrase === undefined ? 'create' : 'join',
      passphrase,
      passwordOnly: false,
      deviceName: 'bench',
    })
    assemble(account, request)
    return made
  },

  /** Opens a home that is signed in, whatever address its server has now. */
  async reopen(request: OpenRequest): Promise<void> {
    assemble((await openHome(request)).account, request)
  },

  /** Pushes years of other devices' edits, a thousand segments at a time; `segments` more of the history that was begun. */
  async pushHistory({
    segments,
    perSegment,
    ...options
  }: HistoryRequest): Promise<{ readonly textEdits: number; readonly bytes: number }> {
    const { remote, token, sealer } = opened().tools
    history ??= new History({ ...options, sealer })
    let bytes = 0
    for (let done = 0; done < segments; ) {
      const batch: SegmentRecord[] = []
      for (; batch.length < BATCH && done < segments; done++) batch.push(await history.segment(perSegment))
      bytes += (await remote.push(token, batch)).bytes
    }
    return { textEdits: history.textEdits, bytes }
  },

  /** @throws Error where this device, in step, does not show exactly the notes that the history ended with. */
  compareWithHistory(): number {
    const expected = new Map(history?.prints().map(({ id, digest }) => [id, digest]))
    const rows = opened().vault.query('SELECT id, title, text FROM notes')
    const wrong = rows.filter((row) => expected.get(String(row['id'])) !== digestNote(row)).length
    if (wrong > 0 || rows.length !== expected.size)
      throw new Error(`${rows.length} of ${expected.size} notes, ${wrong} of them wrong`)
    history = undefined
    return rows.length
  },

  create: (count: number): void => opened().editor.create(count),
  edit: (): void => opened().editor.edit(),

  /** Syncs after every edit, as an app does in normal life: merging is on. Milliseconds of each sync. */
  async liveAndSync(edits: number): Promise<{ readonly pushed: SyncCounts; readonly millis: readonly number[] }> {
    const { editor, syncer } = opened()
    let pushed: SyncCounts = { segments: 0, bytes: 0 }
    const millis: number[] = []
    for (let i = 0; i < edits; i++) {
      editor.edit()
      const started = performance.now()
      const { uploaded } = await syncer.run()
      millis.push(performance.now() - started)
      pushed = { segments: pushed.segments + uploaded.segments, bytes: pushed.bytes + uploaded.bytes }
    }
    return { pushed, millis }
  },

  push,

  sync: (): Promise<SyncResult> => opened().syncer.run(),

  /** Merges until nothing is left that is worth it; the milliseconds of each, and what it did. */
  async merge(): Promise<readonly { readonly millis: number; readonly result: MergeResult }[]> {
    const done: { millis: number; result: MergeResult }[] = []
    for (;;) {
      const started = performance.now()
      const result = await profiled('merge', () => new Merger(opened().tools).run())
      if (result === undefined) return done
      done.push({ millis: performance.now() - started, result })
      if (!result.merged) return done
    }
  },

  /** The notes that were edited last, and a digest of each. */
  latest(count: number): readonly NotePrint[] {
    const rows = opened().vault.query('SELECT id, title, text FROM notes ORDER BY updatedAt DESC, _edited DESC LIMIT ?', count)
    return rows.map((row) => ({ id: String(row['id']), digest: digestNote(row) }))
  },

  /** Notes that are not in the trash, and the bytes of their titles and texts. */
  state(): { readonly notes: number; readonly bytes: number } {
    const [row] = opened().vault.query(
      'SELECT count(*) AS notes, sum(octet_length(title) + octet_length(text)) AS bytes FROM notes',
    )
    return { notes: Number(row?.['notes']), bytes: Number(row?.['bytes']) }
  },

  /** Writes what another device shows into this vault, as if somebody had typed it all in at once. */
  copyFrom(home: string): void {
    const { vault } = opened()
    const source = new DatabaseSync(join(home, 'vault.db'), { readOnly: true })
    const now = Date.now()
    vault.transact((tx) => {
      for (const { id, name } of source.prepare('SELECT id, name FROM spaces').all())
        tx.insert('spaces', { name: String(name), createdAt: now, updatedAt: now }, String(id))
    })
    const notes = source.prepare('SELECT id, space, title, text, pinned FROM notes').all()
    for (let done = 0; done < notes.length; done += BATCH) {
      vault.transact((tx) => {
        for (const { id, space, title, text, pinned } of notes.slice(done, done + BATCH)) {
          const values = { space: String(space), title: String(title), text: String(text), pinned: Number(pinned) }
          tx.insert('notes', { ...values, createdAt: now, updatedAt: now }, String(id))
        }
      })
    }
    source.close()
  },

  problems: (): readonly string[] =>
    opened()
      .vault.problems()
      .map(({ detail }) => detail),
  cursor: (): number => opened().syncer.inbox.position().cursor,
  usage,
}

export type WriterActor = typeof methods

serveActor(methods, close)
