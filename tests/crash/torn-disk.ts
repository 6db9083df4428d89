/**
 * A disk that loses power. What was synced is there. Of what was written to a file since its last sync each write may be there,
 * not be there, or be there in part, whatever became of the others. Names appear and disappear in order, and surely only once their
 * folder was synced.
 */
import { writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Random } from '../support/random.ts'
import type { Call } from './system-trace.ts'

const SECTOR = 512

type Change = Extract<Call, { type: 'write' | 'truncate' }>

class File {
  bytes: Uint8Array
  /** Since the last sync. */
  pending: Change[] = []
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  sync(): void {
    this.bytes = applied(this.bytes, this.pending)
    this.pending = []
  }

  /** One of the contents that it may have after the power is back. */
  torn(draw: Random): Uint8Array {
    const likely = draw.pick([0, 0.1, 0.5, 0.9, 1])
    const written = this.pending.filter(() => draw.chance(likely))
    return applied(
      this.bytes,
      written.map((change) => (change.type === 'write' && draw.chance(0.1) ? cut(change, draw) : change)),
    )
  }
}

function cut(change: Extract<Change, { type: 'write' }>, draw: Random): Change {
  const sectors = Math.ceil(change.bytes.length / SECTOR)
  return { ...change, bytes: change.bytes.slice(0, draw.below(sectors) * SECTOR) }
}

function applied(bytes: Uint8Array, changes: readonly Change[]): Uint8Array {
  const ends = changes.map((change) => (change.type === 'write' ? change.at + change.bytes.length : change.length))
  const room = new Uint8Array(Math.max(bytes.length, ...ends))
  room.set(bytes)
  let { length } = bytes
  for (const change of changes) {
    if (change.type === 'write') {
      room.set(change.bytes, change.at)
      length = Math.max(length, change.at + change.bytes.length)
    } else {
      room.fill(0, change.length)
      length = change.length
    }
  }
  return room.slice(0, length)
}

export interface TornDiskOptions {
  readonly folder: string
  /** What is in it, and synced, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** For the test of the test: nothing that the program does makes anything last. */
  readonly deaf?: boolean
}

export class TornDisk {
  readonly #folder: string
  readonly #deaf: boolean
  /** As the program sees them. */
  readonly #names: Map<string, File>
  /** As the folder was last synced, and every state of it since. */
  #folders: Map<string, File>[]

  constructor({ folder, files, deaf = false }: TornDiskOptions) {
    this.#folder = folder
    this.#deaf = deaf
    this.#names = new Map([...files].map(([name, bytes]) => [name, new File(bytes)]))
    this.#folders = [new Map(this.#names)]
  }

  apply(call: Call): void {
    if (call.type === 'send') return
    if (call.type === 'sync' && call.path === this.#folder) {
      if (!this.#deaf) this.#folders = [new Map(this.#names)]
      return
    }
    if (dirname(call.path) !== this.#folder) return
    const name = basename(call.path)
    const file = this.#names.get(name)
    if (call.type === 'create') {
      if (file !== undefined) return
      this.#names.set(name, new File(new Uint8Array(0)))
      this.#folders.push(new Map(this.#names))
    } else if (call.type === 'unlink') {
      this.#names.delete(name)
      this.#folders.push(new Map(this.#names))
    } else if (call.type === 'sync') {
      if (!this.#deaf) file?.sync()
    } else {
      file?.pending.push(call)
    }
  }

  /** Writes what is there after the power is back into an empty folder. */
  writeTo(target: string, draw: Random): void {
    for (const [name, file] of draw.pick(this.#folders)) writeFileSync(join(target, name), file.torn(draw))
  }
}
