/** One device in a process of its own: Lockstep's engine on Node, with the apps' schema. */

import { join } from 'node:path'
import type { Device } from '@lockstep/engine/device'
import { openDevice } from '@lockstep/engine/platform/node/device'
import { type SearchWorker, startSearchWorker } from '@lockstep/engine/platform/node/search-worker'
import { schema, type Tables } from '@lockstep/model/schema'
import { serveActor, usage } from './actor.ts'
import { generateNotes, type NoteSize } from './notes.ts'

const PASSWORD = 'correct horse'
/** Rows in one transaction of a bulk import. */
const BATCH = 1000

let device: Device<Tables> | undefined
let worker: SearchWorker | undefined
let home = ''

function opened(): Device<Tables> {
  if (device === undefined) throw new Error('open the device first')
  return device
}

export interface SyncTiming {
  /** Milliseconds from the start of the sync. */
  readonly elapsed: number
  /** Until the first rows could be read; undefined where none came. */
  readonly first: number | undefined
  /** Until the index knew every row; undefined where there is no index. */
  readonly searchable: number | undefined
  readonly uploaded: { readonly segments: number; readonly bytes: number }
  readonly downloaded: { readonly segments: number; readonly bytes: number }
  readonly cpu: number
}

const methods = {
  async open(options: { readonly home: string; readonly server: string; readonly passphrase?: string }): Promise<string> {
    home = options.home
    device = await openDevice({ home, schema })
    const { passphrase } = options
    const result = await device.signIn({
      server: options.server,
      vault: 'main',
      password: PASSWORD,
      intent: passphrase === undefined ? 'create' : 'join',
      passphrase,
      passwordOnly: false,
      deviceName: 'bench',
    })
    return result.passphrase ?? passphrase ?? ''
  },

  /** Writes notes as an importer does; returns milliseconds. */
  fill({ seed, count, size }: { readonly seed: number; readonly count: number; readonly size: NoteSize }): number {
    const { vault } = opened()
    const notes = generateNotes(seed, count, size)
    const started = performance.now()
    for (let done = 0; done < count; done += BATCH) {
      vault.transact((tx) => {
        for (let i = done; i < Math.min(done + BATCH, count); i++) {
          const { title, text } = notes.next().value as { title: string; text: string }
          const now = Date.now()
          tx.insert('notes', { title, text, createdAt: now, updatedAt: now })
        }
      })
    }
    return performance.now() - started
  },

  /** Writes rows of a few bytes. */
  fillSmall(count: number): number {
    const { vault } = opened()
    const started = performance.now()
    for (let done = 0; done < count; done += BATCH) {
      vault.transact((tx) => {
        for (let i = done; i < Math.min(done + BATCH, count); i++) tx.insert('stars', { paragraph: i })
      })
    }
    return performance.now() - started
  },

  /** Starts indexing; from now on every change reaches the index. */
  startIndex(): void {
    const source = { tables: [{ table: 'rows_notes', columns: ['title', 'text'], visible: 'notes' }] }
    worker = startSearchWorker({ vaultPath: join(home, 'vault.db'), source })
  },

  async sync(): Promise<SyncTiming> {
    const { vault } = opened()
    let first: number | undefined
    const unsubscribe = vault.onChange((_tables, origin) => {
      if (origin === 'remote') first ??= performance.now() - started
      worker?.work()
    })
    const before = process.cpuUsage()
    const started = performance.now()
    const { uploaded, downloaded } = await opened().sync()
    const elapsed = performance.now() - started
    const searchable = await indexed(started)
    unsubscribe()
    const { user, system } = process.cpuUsage(before)
    return { elapsed, first, searchable, uploaded, downloaded, cpu: (user + system) / 1000 }
  },

  pending: (): number => opened().vault.pending(),
  count: (): number => Number(opened().vault.query('SELECT count(*) AS c FROM notes')[0]?.['c']),
  usage,
}

/** Waits until the index has everything; milliseconds since `started`. */
async function indexed(started: number): Promise<number | undefined> {
  if (worker === undefined) return undefined
  const { openSearch } = await import('@lockstep/engine/platform/node/search-connection')
  const source = { tables: [{ table: 'rows_notes', columns: ['title', 'text'], visible: 'notes' }] }
  const search = openSearch(join(home, 'vault.db'), source)
  while (search.index.backlog() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  search.close()
  return performance.now() - started
}

export type DeviceActor = typeof methods

serveActor(methods, async () => {
  await worker?.stop()
  await device?.close()
})
