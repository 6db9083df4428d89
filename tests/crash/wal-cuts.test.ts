/**
 * The write-ahead log cut at every frame and at random places inside of frames, as a power cut leaves it [G4]: with nothing
 * behind the cut, with zeros, or with what was in those blocks before. What opens is exactly the commits whose bytes were
 * all there: a prefix of what was acknowledged, never less than that, never half of one, never corruption.
 *
 * The full campaign: LOCKSTEP_RUNS=60 npx vitest run tests/crash/wal-cuts.test.ts
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { openVault } from '@lockstep/engine/vault'
import { schema } from '@lockstep/model/schema'
import { verify } from '@lockstep/server/operate/verify'
import { openSqliteStorage } from '@lockstep/server/storage/sqlite/sqlite'
import { expect, test } from 'vitest'
import { random } from '../../packages/server/test/operate/data.ts'
import { forEachSeed, type Random } from '../support/random.ts'
import { contentDigest, frameEnds } from './database-image.ts'
import { scratch } from './scratch.ts'
import { work } from './server-work.ts'

const FILE = 'tests/crash/wal-cuts.test.ts'
const COMMITS = 14
/** Besides the one at each frame's end. */
const CUTS_INSIDE = 1

/** A database whose log holds every commit of a run, and what was in it after each. */
interface Recording {
  readonly name: string
  readonly database: Uint8Array
  readonly log: Uint8Array
  /** Ascending: the log's length when a commit was acknowledged, and the content then. The first is before any. */
  readonly states: readonly { readonly length: number; readonly content: string }[]
}

/** Watches a database that another connection writes to. */
class Recorder {
  readonly #path: string
  readonly #name: string
  readonly #reader: DatabaseSync
  readonly #states: { length: number; content: string }[] = []

  constructor(folder: string, name: string) {
    this.#path = join(folder, name)
    this.#name = name
    this.#reader = new DatabaseSync(this.#path, { readOnly: true })
    this.note()
  }

  note(): void {
    this.#states.push({ length: readFileSync(`${this.#path}-wal`).length, content: contentDigest(this.#reader) })
  }

  end(): Recording {
    const recording = { database: readFileSync(this.#path), log: readFileSync(`${this.#path}-wal`), states: this.#states }
    this.#reader.close()
    return { name: this.#name, ...recording }
  }
}

async function recordServer(draw: Random): Promise<Recording> {
  const folder = scratch()
  // Made and closed: its log begins with the first commit that is recorded.
  await openSqliteStorage({ folder, random }).close()
  const storage = openSqliteStorage({ folder, random })
  await storage.changeGuesses([], 1, () => ({ store: [{ key: random(4), times: [], expiresAt: 1 }], result: undefined }))
  const recorder = new Recorder(folder, 'lockstep.db')
  for await (const _ of work(storage, draw, COMMITS)) recorder.note()
  const recording = recorder.end()
  await storage.close()
  return recording
}

async function recordDevice(draw: Random): Promise<Recording> {
  const path = join(scratch(), 'vault.db')
  const runtime = { now: () => Date.UTC(2026, 0, 1) + draw.below(1e6), random: (length: number) => draw.bytes(length) }
  const open = () => openVault({ schema, driver: openSqlite({ path }), runtime, schedule: (run) => queueMicrotask(run) })
  open().close()
  const vault = open()
  const space = vault.transact((tx) => tx.insert('spaces', { name: 'Inbox', createdAt: 1, updatedAt: 1 }))
  const recorder = new Recorder(join(path, '..'), 'vault.db')
  const notes: string[] = []
  for (let i = 0; i < COMMITS; i++) {
    vault.transact((tx) => {
      for (let n = draw.between(1, 3); n > 0; n--) {
        const known = notes.length > 0 ? draw.pick(notes) : undefined
        if (known !== undefined && draw.chance(0.4)) tx.update('notes', known, { title: `changed ${i}` })
        else if (known !== undefined && draw.chance(0.2)) tx.delete('notes', known)
        else
          notes.push(
            tx.insert('notes', { space, title: `note ${i}`, text: 'x'.repeat(draw.between(0, 9000)), createdAt: i, updatedAt: i }),
          )
      }
    })
    recorder.note()
  }
  const recording = recorder.end()
  vault.close()
  return recording
}

const REMAINS = ['nothing', 'zeros', 'garbage', 'stale'] as const

/** The log as it is on the disk when only its first `cut` bytes got there. */
function cutLog({ log }: Recording, cut: number, remains: (typeof REMAINS)[number], draw: Random): Uint8Array {
  if (remains === 'nothing') return log.slice(0, cut)
  const left = new Uint8Array(log.length)
  left.set(log.subarray(0, cut))
  if (remains === 'garbage') left.set(draw.bytes(log.length - cut), cut)
  // An earlier frame in place of what should be there: right in itself, at the wrong place.
  if (remains === 'stale') left.set(log.subarray(32, 32 + log.length - cut), cut)
  return left
}

/** How many bytes of the log are as they were. What lies behind a cut may happen to be the same. */
function intact({ log }: Recording, left: Uint8Array): number {
  let at = 0
  while (at < left.length && at < log.length && left[at] === log[at]) at++
  return at
}

function expectedContent(recording: Recording, bytes: number): string | undefined {
  return recording.states.findLast(({ length }) => length <= bytes)?.content
}

let cuts = 0

/** Opens each cut as a restarted process would, and compares what it finds. */
async function tryCuts(recording: Recording, draw: Random, open: (folder: string) => Promise<void>): Promise<void> {
  const { name, database, log, states } = recording
  const ends = frameEnds(log).filter((end) => end >= (states[0]?.length ?? 0))
  expect(ends.length).toBeGreaterThan(COMMITS)
  const inside = ends.slice(0, -1).flatMap((end, i) => {
    const next = ends[i + 1] ?? end
    return Array.from({ length: CUTS_INSIDE }, () => draw.between(end + 1, next - 1))
  })
  const folder = scratch()
  for (const cut of [...ends, ...inside]) {
    const remains = draw.pick(REMAINS)
    const left = cutLog(recording, cut, remains, draw)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    writeFileSync(join(folder, name), database)
    writeFileSync(join(folder, `${name}-wal`), left)
    await open(folder)
    const db = new DatabaseSync(join(folder, name), { readOnly: true })
    const content = contentDigest(db)
    db.close()
    expect(content, `cut at ${cut} of ${log.length}, ${remains} behind it`).toBe(
      expectedContent(recording, intact(recording, left)),
    )
    cuts += 1
  }
}

test('[G4] [SYNC-2] a server whose log was cut anywhere holds exactly the commits that were written, and verifies', async () => {
  cuts = 0
  await forEachSeed('log of the server, cut', 1, FILE, async (draw) => {
    await tryCuts(await recordServer(draw), draw, async (folder) => {
      await openSqliteStorage({ folder, random }).close()
      expect(verify({ path: folder }).findings).toEqual([])
    })
  })
  console.log(`G4: ${cuts} cuts of a server's log`)
  expect(cuts).toBeGreaterThan(0)
})

test('[G4] [LOG-2] a device whose log was cut anywhere holds exactly the transactions that were written', async () => {
  cuts = 0
  await forEachSeed('log of a device, cut', 1, FILE, async (draw) => {
    await tryCuts(await recordDevice(draw), draw, async (folder) => {
      const driver = openSqlite({ path: join(folder, 'vault.db') })
      expect(driver.prepare('PRAGMA integrity_check').values()).toEqual([['ok']])
      driver.close()
    })
  })
  console.log(`G4: ${cuts} cuts of a device's log`)
  expect(cuts).toBeGreaterThan(0)
})
