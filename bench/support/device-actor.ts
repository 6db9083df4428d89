/** One device in a process of its own: Lockstep's engine on Node, as the command line opens it, with the apps' schema. */
import type { Device } from '@lockstep/engine/device'
import { openDevice } from '@lockstep/engine/platform/node/device'
import { schema, type Tables } from '@lockstep/model/schema'
import { serveActor, usage } from './actor.ts'
import { type NoteSize, noteSource } from './notes.ts'
import { profiled } from './profile.ts'

const PASSWORD = 'correct horse'
/** Rows in one transaction of a bulk import. */
const BATCH = 1000

let device: Device<Tables> | undefined

function opened(): Device<Tables> {
  if (device === undefined) throw new Error('open the device first')
  return device
}

export interface SyncTiming {
  /** Milliseconds from the start of the sync. */
  readonly elapsed: number
  /** Until the first rows could be read; undefined where none came. */
  readonly first: number | undefined
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

async function sync(): Promise<SyncTiming> {
  const { vault } = opened()
  let first: number | undefined
  const unsubscribe = vault.onChange((_tables, origin) => {
    if (origin === 'remote') first ??= performance.now() - started
  })
  const before = process.cpuUsage()
  const started = performance.now()
  const { uploaded, downloaded } = await profiled('sync', () => opened().sync())
  const elapsed = performance.now() - started
  await indexed()
  const searchable = performance.now() - started
  unsubscribe()
  const { user, system } = process.cpuUsage(before)
  return { elapsed, first, searchable, uploaded, downloaded, cpu: (user + system) / 1000 }
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
  async fill({ seed, count, size }: { readonly seed: number; readonly count: number; readonly size: NoteSize }): Promise<number> {
    const { vault } = opened()
    const next = noteSource(seed, size)
    let elapsed = 0
    for (let done = 0; done < count; done += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - done) }, next)
      const started = performance.now()
      vault.transact((tx) => {
        for (const { title, text } of batch) {
          const now = Date.now()
          tx.insert('notes', { title, text, createdAt: now, updatedAt: now })
        }
      })
      elapsed += performance.now() - started
    }
    await indexed()
    return elapsed
  },

  /** Writes rows of a few bytes. */
  fillSmall(count: number): void {
    for (let done = 0; done < count; done += BATCH) {
      opened().vault.transact((tx) => {
        for (let i = done; i < Math.min(done + BATCH, count); i++) tx.insert('stars', { paragraph: i })
      })
    }
  },

  sync,
  count: (): number => Number(opened().vault.query('SELECT count(*) AS c FROM notes')[0]?.['c']),
  pending: (): number => opened().vault.pending(),
  usage,
}

export type DeviceActor = typeof methods

serveActor(methods, async () => device?.close())
