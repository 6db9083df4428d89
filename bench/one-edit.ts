/**
 * A sentence is added to one note of a large vault: round trips, bytes on the socket with all headers, and whether the
 * work on device and server grows with the vault (compared with one of 1 000 notes in the same run).
 *
 *     node bench/one-edit.ts --notes 100000
 */
import { deflateRawSync } from 'node:zlib'
import { Random } from '../tests/support/random.ts'
import { startProxy, type Traffic } from './support/proxy.ts'
import { ask, type Figure, median } from './support/report.ts'
import { onStage } from './support/stage.ts'
import { Writer } from './support/words.ts'

const SEED = 3
const EDITS = 300
const SMALL = 1000

interface Work {
  readonly traffic: Traffic
  readonly millis: number
  /** Processor time of one edit, milliseconds. */
  readonly device: number
  readonly server: number
  /** The edited note's text, compressed. */
  readonly note: number
}

async function edits(notes: number): Promise<Work> {
  return onStage(async ({ device, server, url }) => {
    const proxy = await startProxy(url)
    try {
      const actor = await device(proxy.url)
      await actor.call('fill', { seed: SEED, count: notes, size: 'mixed' })
      await actor.call('sync')
      const random = new Random(SEED)
      const writer = new Writer(random.fork())
      let millis: number[] = []
      let note = 0
      let before = { device: 0, server: 0 }
      // The first few warm the code up.
      for (let i = -50; i < EDITS; i++) {
        if (i === 0) {
          proxy.take()
          millis = []
          note = 0
          before = { device: (await actor.call('usage')).cpu, server: (await server.call('usage')).cpu }
        }
        const added = writer.text(60)
        // Among the first thousand in both vaults: finding a note is the app's work, not the sync's.
        const text = await actor.call('edit', { at: random.below(SMALL), sentence: added })
        note += deflateRawSync(text).length
        millis.push((await actor.call('sync')).elapsed)
      }
      const after = { device: (await actor.call('usage')).cpu, server: (await server.call('usage')).cpu }
      return {
        traffic: proxy.take(),
        millis: median(millis),
        device: (after.device - before.device) / EDITS,
        server: (after.server - before.server) / EDITS,
        note: note / EDITS,
      }
    } finally {
      proxy.close()
    }
  })
}

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  const small = await edits(SMALL)
  const large = await edits(notes)
  const { up, down, bodyUp, bodyDown, roundTrips } = large.traffic
  return [
    { label: 'round trips', value: roundTrips / EDITS, unit: '', better: 'less', goal: 1 },
    { label: 'all bytes, both ways', value: (up + down) / EDITS, unit: 'B', better: 'less', goal: 700 + large.note },
    { label: 'of them bodies', value: (bodyUp + bodyDown) / EDITS, unit: 'B', better: 'less' },
    { label: 'an edited note, compressed', value: large.note, unit: 'B', better: 'less' },
    {
      label: 'time of a sync',
      value: large.millis,
      unit: 'ms',
      better: 'less',
      limit: { label: `ms at ${SMALL} notes`, value: small.millis },
    },
    { label: "device's work against 1 000 notes", value: large.device / small.device, unit: '×', better: 'less', goal: 1.3 },
    { label: "server's work against 1 000 notes", value: large.server / small.server, unit: '×', better: 'less', goal: 1.3 },
    { label: "device's processor time", value: large.device, unit: 'ms', better: 'less' },
    { label: "server's processor time", value: large.server, unit: 'ms', better: 'less' },
  ]
}

await ask({ title: ({ notes }) => `one edit on ${notes} notes`, file: 'one-edit.ts', numbers: { notes: 100_000 }, run: measure })
