/**
 * A fresh device downloads a whole vault: notes a second until all are stored, and until all can be searched; when the
 * first can be read; how much memory the process needed at most. The index is made by a worker thread beside it.
 *
 *     node bench/fresh-device.ts --notes 300000
 */
import type { Actor } from './support/actor.ts'
import type { DeviceActor } from './support/device-actor.ts'
import { aesGcmRate, ftsRate, inflateRate, insertRate } from './support/machine.ts'
import { generateNotes } from './support/notes.ts'
import { ask, type Figure } from './support/report.ts'
import { onStage } from './support/stage.ts'

const SEED = 1
/** Notes that the limits are measured on. */
const SAMPLE = 20_000

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  return onStage(async ({ device, server }) => {
    const first = await device()
    await first.call('fill', { seed: SEED, count: notes, size: 'mixed' })
    const { uploaded } = await first.call('sync')
    await first.stop()
    const second = await device()
    const { elapsed, searchable, first: firstRows, cpu } = await second.call('sync')
    await complete(second, notes)
    const usage = await second.call('usage')
    const serverUsage = await server.call('usage')

    const sample = generateNotes(SEED, Math.min(SAMPLE, notes), 'mixed')
    const characters = sample.reduce((sum, { title, text }) => sum + title.length + text.length, 0) / sample.length
    const insert = insertRate(sample)
    const fts = ftsRate(sample)
    const inflate = (inflateRate(sample) * 1e6) / characters
    const decrypt = ((await aesGcmRate()) * 1e6 * notes) / uploaded.bytes
    const perSecond = (millis: number) => (notes * 1000) / millis
    // Storing must be on one core; decrypting and unpacking may be on the other.
    const chain = Math.min(insert, 1 / (1 / inflate + 1 / decrypt))
    return [
      {
        label: 'stored and searchable',
        value: perSecond(searchable),
        unit: 'notes/s',
        better: 'more',
        goal: 50_000,
        limit: { label: 'notes/s into bare FTS5', value: fts },
      },
      {
        label: 'stored',
        value: perSecond(elapsed),
        unit: 'notes/s',
        better: 'more',
        limit: { label: 'notes/s into a bare table', value: chain },
      },
      { label: 'processor time, the index included', value: (cpu * 1000) / notes, unit: 'µs/note', better: 'less' },
      { label: 'first notes readable after', value: firstRows ?? Number.NaN, unit: 'ms', better: 'less', goal: 1000 },
      { label: 'peak memory', value: usage.peak / 1e6, unit: 'MB', better: 'less', goal: 300 },
      { label: 'peak memory of the server', value: serverUsage.peak / 1e6, unit: 'MB', better: 'less' },
      { label: 'AES-256-GCM alone', value: decrypt, unit: 'notes/s', better: 'more' },
      { label: 'inflate alone', value: inflate, unit: 'notes/s', better: 'more' },
    ]
  })
}

async function complete(device: Actor<DeviceActor>, notes: number): Promise<void> {
  const count = await device.call('count')
  if (count !== notes) throw new Error(`the fresh device has ${count} of ${notes} notes`)
}

await ask({
  title: ({ notes }) => `fresh device, ${notes} notes`,
  file: 'fresh-device.ts',
  numbers: { notes: 100_000 },
  run: measure,
})
