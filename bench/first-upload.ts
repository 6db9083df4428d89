/**
 * The first upload of a vault that was filled offline: encoding, compressing, encrypting, storing the sealed bytes
 * locally, sending them, and the server's fsync.
 *
 *     node bench/first-upload.ts --notes 50000
 */
import { aesGcmRate, deflateRate } from './support/machine.ts'
import { generateNotes } from './support/notes.ts'
import { ask, type Figure } from './support/report.ts'
import { onStage } from './support/stage.ts'

const SEED = 2
const SAMPLE = 20_000

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  return onStage(async ({ device, server }) => {
    const actor = await device()
    const filling = await actor.call('fill', { seed: SEED, count: notes, size: 'mixed' })
    const { elapsed, cpu, uploaded } = await actor.call('sync')
    const pending = await actor.call('pending')
    if (pending !== 0) throw new Error(`${pending} rows were not uploaded`)
    const usage = await actor.call('usage')
    const serverUsage = await server.call('usage')
    const sample = generateNotes(SEED, Math.min(SAMPLE, notes), 'mixed')
    const characters = sample.reduce((sum, { title, text }) => sum + title.length + text.length, 0) / sample.length
    const deflate = (deflateRate(sample) * 1e6) / characters
    const encrypt = ((await aesGcmRate()) * 1e6 * notes) / uploaded.bytes
    return [
      {
        label: 'uploaded',
        value: (notes * 1000) / elapsed,
        unit: 'notes/s',
        better: 'more',
        goal: 50_000,
        limit: { label: 'notes/s through deflate', value: deflate },
      },
      { label: 'processor time', value: (cpu * 1000) / notes, unit: 'µs/note', better: 'less' },
      { label: 'sealed bytes', value: uploaded.bytes / notes, unit: 'B/note', better: 'less' },
      { label: 'written locally before', value: (notes * 1000) / filling, unit: 'notes/s', better: 'more' },
      { label: 'peak memory', value: usage.peak / 1e6, unit: 'MB', better: 'less', goal: 300 },
      { label: 'peak memory of the server', value: serverUsage.peak / 1e6, unit: 'MB', better: 'less' },
      { label: 'AES-256-GCM alone', value: encrypt, unit: 'notes/s', better: 'more' },
    ]
  })
}

await ask({
  title: ({ notes }) => `first upload, ${notes} notes`,
  file: 'first-upload.ts',
  numbers: { notes: 50_000 },
  run: measure,
})
