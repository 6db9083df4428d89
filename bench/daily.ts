/**
 * Normal life with merging: a device that syncs after each edit of a note. How much more it sends than what it wrote, what
 * the log has become in the end, and how long a sync takes that happens to merge.
 *
 *     node bench/daily.ts --edits 20000 --notes 2000
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startActor } from './support/actor.ts'
import { ask, type Figure, quantile } from './support/report.ts'
import { Site } from './support/site.ts'
import type { WriterActor } from './support/writer-actor.ts'

const SEED = 13
const MB = 1e6

async function measure({ edits, notes }: { readonly edits: number; readonly notes: number }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  const site = await Site.open(join(folder, 'server'))
  const writer = startActor<WriterActor>('writer-actor.ts')
  try {
    await writer.call('open', { home: join(folder, 'writer'), server: site.proxy.url, seed: SEED })
    await writer.call('create', notes)
    await writer.call('sync')
    const start = await site.size()
    site.proxy.take()
    const { pushed, millis } = await writer.call('liveAndSync', edits)
    const { up, down } = site.proxy.take()
    const end = await site.size()
    return [
      { label: 'pushed', value: pushed.bytes / MB, unit: 'MB', better: 'less' },
      { label: 'sent in all, headers and merging included', value: up / MB, unit: 'MB', better: 'less' },
      { label: 'sent for each byte pushed', value: up / pushed.bytes, unit: '×', better: 'less' },
      { label: 'received for each byte pushed', value: down / pushed.bytes, unit: '×', better: 'less' },
      { label: 'segments pushed', value: pushed.segments, unit: '', better: 'less' },
      { label: 'segments on the server at the end', value: end.segments, unit: '', better: 'less' },
      { label: 'sealed on the server before the edits', value: start.bytes / MB, unit: 'MB', better: 'less' },
      { label: 'sealed on the server at the end', value: end.bytes / MB, unit: 'MB', better: 'less' },
      { label: "server's files at the end", value: end.files / MB, unit: 'MB', better: 'less' },
      { label: 'a sync, median', value: quantile(millis, 0.5), unit: 'ms', better: 'less' },
      { label: 'a sync, p99', value: quantile(millis, 0.99), unit: 'ms', better: 'less' },
      { label: 'the longest sync', value: Math.max(...millis), unit: 'ms', better: 'less' },
    ]
  } finally {
    await writer.stop()
    await site.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

await ask({
  title: ({ edits, notes }) => `${edits} edits of ${notes} notes, each synced`,
  file: 'daily.ts',
  numbers: { edits: 20_000, notes: 2_000 },
  run: measure,
})
