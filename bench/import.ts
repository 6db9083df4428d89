/**
 * Moving in from a Dataans server: the first import, and a second one that finds nothing new. Each in a process of its own, from
 * our server with the dialect; what is imported is compared with what was put there.
 *
 *     node bench/import.ts --operations 100000
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  note,
  operation,
  PASSPHRASE,
  PASSWORD,
  secretKeyHash,
  space,
  type WireOperation,
} from '../packages/import/test/support/dataans-server.ts'
import { Random } from '../tests/support/random.ts'
import { startActor } from './support/actor.ts'
import type { ImportActor } from './support/import-actor.ts'
import { noteSource } from './support/notes.ts'
import { ask, type Figure } from './support/report.ts'
import type { ServerActor } from './support/server-actor.ts'

const SEED = 5
const SPACES = 20
/** Of the operations, those that change a note that is there. */
const UPDATES = 0.2
/** Operations in one request. */
const BATCH = 1000

const uuid = (kind: number, i: number) => `00000000-0000-4000-800${kind}-${String(i).padStart(12, '0')}`

interface Filled {
  readonly notes: number
  readonly digest: string
  readonly bytes: number
}

async function fill(url: string, operations: number): Promise<Filled> {
  const post = async (path: string, body: unknown) => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  }
  await post('/user', { id: uuid(0, 0), secretKeyHash: secretKeyHash(undefined, 19_456) })
  const random = new Random(SEED)
  const next = noteSource(SEED, 'mixed')
  const texts: string[] = []
  let batch: WireOperation[] = []
  let bytes = 0
  for (let i = 0; i < operations; i++) {
    const id = uuid(1, i)
    const isSpace = i < SPACES
    const isUpdate = !isSpace && texts.length > 0 && random.chance(UPDATES)
    const { text } = next()
    const target = isUpdate ? random.below(texts.length) : texts.length
    if (isSpace) batch.push(operation('CreateSpace', space(uuid(2, i), `Space ${i}`, uuid(3, i), i), { at: i, id }))
    else {
      texts[target] = text
      const payload = note(uuid(4, target), text, uuid(2, target % SPACES), i)
      batch.push(operation(isUpdate ? 'UpdateNote' : 'CreateNote', payload, { at: i, id }))
    }
    bytes += batch.at(-1)?.data.length ?? 0
    if (batch.length === BATCH || i === operations - 1) {
      await post('/data/operation', batch)
      batch = []
    }
  }
  const digest = createHash('sha256')
  for (const text of texts.map((one) => Buffer.from(one)).sort(Buffer.compare)) digest.update(text).update('\0')
  return { notes: texts.length, digest: digest.digest('hex'), bytes }
}

async function measure({ operations }: { readonly operations: number }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  const server = startActor<ServerActor>('server-actor.ts')
  try {
    const url = await server.call('start', { data: join(folder, 'server'), dialect: ['dataans'] })
    const filled = await fill(url, operations)
    const run = async () => {
      const actor = startActor<ImportActor>('import-actor.ts')
      try {
        const result = await actor.call('moveIn', {
          home: join(folder, 'home'),
          server: url,
          password: PASSWORD,
          passphrase: PASSPHRASE,
        })
        if (result.digest !== filled.digest || result.refused > 0)
          throw new Error(`imported ${JSON.stringify(result)}, not what was put there`)
        return { ...result, ...(await actor.call('usage')) }
      } finally {
        await actor.stop()
      }
    }
    const first = await run()
    const again = await run()
    if (first.added !== filled.notes || again.unchanged !== filled.notes) throw new Error('the second import found other notes')
    const seconds = (millis: number): Omit<Figure, 'label'> => ({ value: millis / 1000, unit: 's', better: 'less' })
    return [
      { label: 'the key, and reading all operations', ...seconds(first.reading) },
      { label: 'writing what they come to', ...seconds(first.writing) },
      { label: 'memory until all was read', value: first.peakReading / 1e6, unit: 'MB', better: 'less', goal: 300 },
      { label: 'memory', value: first.peak / 1e6, unit: 'MB', better: 'less', goal: 300 },
      { label: 'processor time of it all', ...seconds(first.cpu) },
      { label: 'again, nothing new: reading', ...seconds(again.reading) },
      { label: 'comparing', ...seconds(again.writing) },
      { label: 'processor time of it all, again', ...seconds(again.cpu) },
      { label: 'sealed operations', value: filled.bytes / 1e6, unit: 'MB', better: 'less' },
      { label: 'notes', value: filled.notes, unit: '', better: 'more' },
    ]
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await ask({
  title: ({ operations }) => `moving in from a Dataans server, ${operations} operations`,
  file: 'import.ts',
  numbers: { operations: 100_000 },
  run: measure,
})
