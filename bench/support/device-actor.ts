/** One device in a process of its own: Lockstep's engine on Node, as the command line opens it, with the apps' schema. */
import type { Device } from '@lockstep/engine/device'
import { openDevice } from '@lockstep/engine/platform/node/device'
import { schema, type Tables } from '@lockstep/model/schema'
import { addSpace } from '@lockstep/model/spaces'
import { serveActor, usage } from './actor.ts'
import { digestNote, type NotePrint } from './note-print.ts'
import { type GeneratedNote, type NoteSize, noteSource } from './notes.ts'
import { profiled } from './profile.ts'

const PASSWORD = 'correct horse'
/** Rows in one transaction of a bulk import. */
const BATCH = 1000

let device: Device<Tables> | undefined
let watching: { readonly stop: () => Promise<void> } | undefined
const latencies: number[] = []
/** What a sync is to bring, and has not yet. */
let awaited: readonly NotePrint[] = []

function opened(): Device<Tables> {
  if (device === undefined) throw new Error('open the device first')
  return device
}

export interface SyncTiming {
  /** Milliseconds from the start of the sync. */
  readonly elapsed: number
  /** Until the first rows could be read; undefined where none came. */
  readonly first: number | undefined
  /** Until the notes that were awaited could be read as they are on the other device. */
  readonly awaited: number | undefined
  /** Until a search knows every row. */
  readonly searchable: number
  readonly uploaded: { readonly segments: number; readonly bytes: number }
  readonly downloaded: { readonly segments: number; readonly bytes: number }
  /** Processor time of the process, the index's thread included, milliseconds. */
  readonly cpu: number
}

interface OpenRequest {
  readonly home: string
  readonly server: string
  /** Absent on the first device. */
  readonly passphrase?: string
}

/** Waits until the index has everything. */
async function indexed(): Promise<void> {
  while (opened().vault.search('notes', 'anything', { limit: 1 }).backlog > 0)
    await new Promise((resolve) => setTimeout(resolve, 2))
}

function isHere({ id, digest }: NotePrint): boolean {
  const [row] = opened().vault.query('SELECT title, text FROM notes WHERE id = ?', id)
  return row !== undefined && digestNote(row) === digest
}

async function sync(): Promise<SyncTiming> {
  const { vault } = opened()
  let first: number | undefined
  let arrived: number | undefined
  const unsubscribe = vault.onChange((_tables, origin) => {
    if (origin !== 'remote') return
    first ??= performance.now() - started
    if (awaited.length > 0 && arrived === undefined && awaited.every(isHere)) arrived = performance.now() - started
  })
  const before = process.cpuUsage()
  const started = performance.now()
  const { uploaded, downloaded } = await profiled('sync', () => opened().sync())
  const elapsed = performance.now() - started
  await indexed()
  const searchable = performance.now() - started
  unsubscribe()
  const { user, system } = process.cpuUsage(before)
  return { elapsed, first, awaited: arrived, searchable, uploaded, downloaded, cpu: (user + system) / 1000 }
}

interface FillRequest {
  readonly seed: number
  readonly count: number
  readonly size: NoteSize
  /** Name of a new space for them; absent: they are in none. */
  readonly space?: string
}

const methods = {
  /** Opens and signs in; returns the vault's passphrase. */
  async open({ home, server, passphrase }: OpenRequest): Promise<string> {
    device = await openDevice({ home, schema })
    const { passphrase: made = passphrase ?? '' } = await device.signIn({
      server,
      vault: 'main',
      password: PASSWORD,
      intent: passphrase === undefined ? 'create' : 'join',
      passphrase,
      passwordOnly: false,
      deviceName: 'bench',
    })
    return made
  },

  /** Writes notes as an importer does and waits for the index; returns the milliseconds that writing took. */
  async fill({ seed, count, size, space }: FillRequest): Promise<number> {
    const { vault } = opened()
    const of = space !== undefined && { space: addSpace(vault, { name: space, now: Date.now() }) }
    const next = noteSource(seed, size)
    let elapsed = 0
    for (let done = 0; done < count; done += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - done) }, next)
      const started = performance.now()
      vault.transact((tx) => {
        for (const { title, text } of batch) {
          const now = Date.now()
          tx.insert('notes', { title, text, ...of, createdAt: now, updatedAt: now })
        }
      })
      elapsed += performance.now() - started
    }
    await indexed()
    return elapsed
  },

  add({ title, text }: GeneratedNote): void {
    const now = Date.now()
    opened().vault.transact((tx) => tx.insert('notes', { title, text, createdAt: now, updatedAt: now }))
  },

  /** Writes rows of a few bytes. */
  fillSmall(count: number): void {
    for (let done = 0; done < count; done += BATCH) {
      opened().vault.transact((tx) => {
        for (let i = done; i < Math.min(done + BATCH, count); i++) tx.insert('stars', { paragraph: i })
      })
    }
  },

  /** The next sync says when these notes could be read. */
  awaitNotes(notes: readonly NotePrint[]): void {
    awaited = notes
  },

  sync,

  /** Appends a sentence to a note that was written somewhere in the middle; returns its text. */
  edit({ at, sentence }: { readonly at: number; readonly sentence: string }): string {
    const { vault } = opened()
    const [note] = vault.query('SELECT id, text FROM notes ORDER BY _n LIMIT 1 OFFSET ?', at)
    const text = `${note?.['text']} ${sentence}`
    vault.transact((tx) => tx.update('notes', String(note?.['id']), { text, updatedAt: Date.now() }))
    return text
  },

  /** Keeps in step by itself from now on; resolves once the live connection stands. */
  goLive(): Promise<void> {
    return new Promise((resolve, reject) => {
      watching = opened().watch({
        mode: 'live',
        onEvent: (event) => {
          if (event.type === 'live' && event.connected) setTimeout(resolve, 200)
          if (event.type === 'stopped' || event.type === 'failed') reject(event.error)
        },
      })
    })
  },

  /** Writes a note that says when it was written, `count` times, `pause` milliseconds apart. */
  async writeTimes({ count, pause }: { readonly count: number; readonly pause: number }): Promise<void> {
    const { vault } = opened()
    for (let i = 0; i < count; i++) {
      vault.transact((tx) => tx.insert('notes', { title: String(performance.timeOrigin + performance.now()) }))
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  },

  /** From now on notes how long ago each arriving note was written. */
  readTimes(): void {
    const { vault } = opened()
    let seen = Number(vault.query('SELECT coalesce(max(_n), 0) AS n FROM notes')[0]?.['n'])
    vault.onChange((_tables, origin) => {
      if (origin !== 'remote') return
      const now = performance.timeOrigin + performance.now()
      for (const { _n, title } of vault.query('SELECT _n, title FROM notes WHERE _n > ? ORDER BY _n', seen)) {
        seen = Number(_n)
        latencies.push(now - Number(title))
      }
    })
  },

  latencies: (): readonly number[] => latencies,

  /** Milliseconds of each search, as it is typed: the ids and titles of the newest twenty notes. */
  search(queries: readonly string[]): { readonly millis: readonly number[]; readonly found: number } {
    const { vault } = opened()
    const millis: number[] = []
    let found = 0
    for (const query of queries) {
      const started = performance.now()
      const { ids } = vault.search('notes', query, { limit: 20 })
      for (const id of ids) vault.query('SELECT title FROM notes WHERE id = ?', id)
      millis.push(performance.now() - started)
      if (ids.length > 0) found++
    }
    return { millis, found }
  },

  count: (): number => Number(opened().vault.query('SELECT count(*) AS c FROM notes')[0]?.['c']),
  pending: (): number => opened().vault.pending(),
  problems: (): readonly string[] =>
    opened()
      .vault.problems()
      .map(({ detail }) => detail),
  usage,
}

export type DeviceActor = typeof methods

serveActor(methods, async () => {
  await watching?.stop()
  await device?.close()
})
