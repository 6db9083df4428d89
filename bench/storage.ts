/**
 * What a note of 500 bytes takes on the wire and on the server's disk, uploaded in batches and alone, against its text
 * compressed by gzip: together with the others, and by itself.
 *
 *     node bench/storage.ts --notes 20000
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { generateNotes, noteSource } from './support/notes.ts'
import { ask, type Figure } from './support/report.ts'
import { onStage } from './support/stage.ts'

const SEED = 5
const TEXT = 500
const LONE = 200

const bytesIn = (folder: string): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  const texts = generateNotes(SEED, notes, '500').map(({ text }) => text)
  const together = gzipSync(texts.join('\n')).length / notes
  const apart = texts.slice(0, LONE).reduce((sum, text) => sum + gzipSync(text).length, 0) / LONE
  const batch = await onStage(async (stage) => {
    const actor = await stage.device()
    await actor.call('fill', { seed: SEED, count: notes, size: '500' })
    const { uploaded } = await actor.call('sync')
    await actor.stop()
    await stage.server.stop()
    return { wire: uploaded.bytes / notes, disk: bytesIn(join(stage.folder, 'server')) / notes }
  })
  const lone = await onStage(async (stage) => {
    const actor = await stage.device()
    await actor.call('sync')
    const next = noteSource(SEED, '500')
    let wire = 0
    for (let i = 0; i < LONE; i++) {
      await actor.call('add', next())
      wire += (await actor.call('sync')).uploaded.bytes
    }
    return wire / LONE
  })
  return [
    { label: 'plaintext', value: TEXT, unit: 'B/note', better: 'less' },
    { label: 'gzip of all texts together', value: together, unit: 'B/note', better: 'less' },
    { label: 'in batches, on the wire', value: batch.wire, unit: 'B/note', better: 'less' },
    { label: 'over gzip', value: batch.wire - together, unit: 'B/note', better: 'less', goal: 64 },
    { label: "on the server's disk, everything", value: batch.disk, unit: 'B/note', better: 'less' },
    { label: 'gzip of one text', value: apart, unit: 'B/note', better: 'less' },
    { label: 'alone, on the wire', value: lone, unit: 'B/note', better: 'less' },
    { label: 'over gzip of itself', value: lone - apart, unit: 'B/note', better: 'less', goal: 256 },
  ]
}

await ask({
  title: ({ notes }) => `storage, ${notes} notes of 500 B`,
  file: 'storage.ts',
  numbers: { notes: 20_000 },
  run: measure,
})
