/**
 * The Dataans dialect: blocks and incremental sync with a given number of operations stored, adding one at the end and in the
 * middle, and a large file in both directions. Blocks are compared with reading every operation and hashing anew at each request,
 * a file with writing or reading the same bytes here.
 *
 *     node bench/dataans.ts --operations 100000 --megabytes 1000
 *
 * 0 megabytes leave the file out.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startActor } from './support/actor.ts'
import { commitRate } from './support/machine.ts'
import { ask, type Figure, median } from './support/report.ts'
import type { ServerActor } from './support/server-actor.ts'

/** A sealed note of a few lines. */
const OPERATION = 400
const BATCH = 10_000
const REPEATS = 15
/** What a second device has not seen. */
const MISSED = 10
const CHUNK = 1024 * 1024

interface WireOperation {
  readonly id: string
  readonly createdAt: string
  readonly data: readonly number[]
  readonly checksum: readonly number[]
}

/** @param minute since the beginning of 2025 */
function operation(minute: number): WireOperation {
  const createdAt = new Date(Date.UTC(2025, 0, 1) + minute * 60_000).toISOString().replace('Z', '456789Z')
  return { id: randomUUID(), createdAt, data: [...randomBytes(OPERATION)], checksum: [...randomBytes(32)] }
}

async function get(url: string): Promise<number> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.arrayBuffer()).byteLength
}

async function post(url: string, body: RequestInit['body']): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: body ?? null, duplex: 'half' } as RequestInit)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

async function millis(work: () => unknown): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

async function medianMillis(repeats: number, work: () => unknown): Promise<number> {
  const all: number[] = []
  for (let i = 0; i < repeats; i++) all.push(await millis(work))
  return median(all)
}

/** All blocks from all operations, read from the server's own database. */
function hashEverything(db: DatabaseSync): string {
  const rows = db.prepare('SELECT * FROM dataans_operations ORDER BY place').all()
  const blocks: number[][] = []
  for (let at = 0; at < rows.length; at += 16) {
    const hash = createHash('sha256')
    for (const row of rows.slice(at, at + 16)) hash.update(row['checksum'] as Uint8Array)
    blocks.push([...hash.digest()])
  }
  return JSON.stringify(blocks)
}

async function operationFigures(url: string, folder: string, count: number): Promise<Figure[]> {
  let uploading = 0
  for (let done = 0; done < count; done += BATCH) {
    const body = JSON.stringify(Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => operation(done + i)))
    uploading += await millis(() => post(`${url}/data/operation`, body))
  }
  const blocksUrl = `${url}/data/block?items_per_block=16`
  const blocks = await medianMillis(REPEATS, () => get(blocksUrl))
  const sync = await medianMillis(REPEATS, async () => {
    await get(blocksUrl)
    await get(`${url}/data/operation?operations_to_skip=${count - MISSED}`)
  })
  let bytes = 0
  const all = await millis(async () => {
    bytes = await get(`${url}/data/operation?operations_to_skip=0`)
  })
  const db = new DatabaseSync(join(folder, 'lockstep.db'), { readOnly: true })
  const everything = await medianMillis(3, () => hashEverything(db))
  db.close()
  let next = count
  const append = await medianMillis(REPEATS, () => post(`${url}/data/operation`, JSON.stringify([operation(next++)])))
  const middle = await medianMillis(5, () => post(`${url}/data/operation`, JSON.stringify([operation(count / 2 + Math.random())])))
  const limit = { label: 'ms, reading and hashing everything', value: everything }
  const commit = { label: 'ms, a commit of as many bytes', value: 1000 / commitRate(OPERATION) }
  return [
    { label: 'first upload', value: (count * 1000) / uploading, unit: 'operations/s', better: 'more' },
    { label: 'blocks', value: blocks, unit: 'ms', better: 'less', goal: 10, limit },
    { label: `incremental sync, ${MISSED} missed`, value: sync, unit: 'ms', better: 'less', limit },
    { label: 'all operations', value: bytes / 1000 / all, unit: 'MB of JSON/s', better: 'more' },
    { label: 'one more at the end', value: append, unit: 'ms', better: 'less', limit: commit },
    { label: 'one in the middle', value: middle, unit: 'ms', better: 'less', limit: commit },
  ]
}

/** MB/s of writing and syncing a file here, hashed as it goes, and of reading it. */
function diskRates(megabytes: number): { readonly write: number; readonly read: number } {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  try {
    const chunk = randomBytes(CHUNK)
    const path = join(folder, 'file')
    const started = performance.now()
    const file = openSync(path, 'w')
    const hash = createHash('sha256')
    for (let i = 0; i < megabytes; i++) {
      writeSync(file, chunk)
      hash.update(chunk)
    }
    fsyncSync(file)
    closeSync(file)
    const written = performance.now()
    const reading = openSync(path, 'r')
    while (readSync(reading, chunk) > 0);
    closeSync(reading)
    return { write: (megabytes * 1000) / (written - started), read: (megabytes * 1000) / (performance.now() - written) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function bodyOf(megabytes: number): ReadableStream<Uint8Array> {
  const chunk = randomBytes(CHUNK)
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(chunk)
      sent += 1
      if (sent === megabytes) controller.close()
    },
  })
}

async function fileFigures(url: string, megabytes: number, peak: () => Promise<number>): Promise<Figure[]> {
  const path = `${url}/file/${randomUUID()}`
  const up = await millis(() => post(path, bodyOf(megabytes)))
  const down = await millis(async () => {
    let received = 0
    for await (const part of (await fetch(path)).body as ReadableStream<Uint8Array>) received += part.length
    if (received !== megabytes * CHUNK) throw new Error(`${received} bytes came back`)
  })
  const { write, read } = diskRates(megabytes)
  const rate = (time: number) => (megabytes * 1000) / time
  return [
    {
      label: `a file of ${megabytes} MB, up`,
      value: rate(up),
      unit: 'MB/s',
      better: 'more',
      limit: { label: 'MB/s, written, hashed and synced here', value: write },
    },
    { label: 'down', value: rate(down), unit: 'MB/s', better: 'more', limit: { label: 'MB/s, read here', value: read } },
    { label: 'memory at its highest', value: (await peak()) / 1e6, unit: 'MB', better: 'less' },
  ]
}

async function measure({ operations, megabytes }: { readonly operations: number; readonly megabytes: number }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  const start = async (data: string) => {
    const server = startActor<ServerActor>('server-actor.ts')
    return { server, url: await server.call('start', { data, dialect: ['dataans'] }) }
  }
  try {
    const ofFiles: Figure[] = []
    if (megabytes > 0) {
      // First: what a process has used at most begins with what its parent uses when it starts it.
      const { server, url } = await start(join(folder, 'files'))
      ofFiles.push(...(await fileFigures(url, megabytes, async () => (await server.call('usage')).peak)))
      await server.stop()
    }
    const { server, url } = await start(join(folder, 'operations'))
    const ofOperations = await operationFigures(url, join(folder, 'operations'), operations)
    await server.stop()
    return [...ofOperations, ...ofFiles]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await ask({
  title: ({ operations }) => `Dataans dialect, ${operations} operations`,
  file: 'dataans.ts',
  numbers: { operations: 100_000, megabytes: 1000 },
  run: measure,
})
