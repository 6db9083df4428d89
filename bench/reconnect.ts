/**
 * A device comes back and nothing is new: round trips and bytes of one sync, at any size of the vault. The rows are small
 * ones, so that a million of them are made in reasonable time; the exchange does not depend on what is in them.
 *
 *     node bench/reconnect.ts --rows 1000000
 */
import { startProxy } from './support/proxy.ts'
import { ask, type Figure, median } from './support/report.ts'
import { onStage } from './support/stage.ts'

const SYNCS = 50

async function measure({ rows }: { readonly rows: number }): Promise<Figure[]> {
  return onStage(async ({ device, url }) => {
    const proxy = await startProxy(url)
    try {
      const actor = await device(proxy.url)
      await actor.call('fillSmall', rows)
      await actor.call('sync')
      proxy.take()
      const millis: number[] = []
      for (let i = 0; i < SYNCS; i++) millis.push((await actor.call('sync')).elapsed)
      const { up, down, bodyUp, bodyDown, roundTrips } = proxy.take()
      return [
        { label: 'round trips', value: roundTrips / SYNCS, unit: '', better: 'less', goal: 1 },
        { label: 'body sent', value: bodyUp / SYNCS, unit: 'B', better: 'less', goal: 150 },
        { label: 'body received', value: bodyDown / SYNCS, unit: 'B', better: 'less', goal: 150 },
        { label: 'all bytes, both ways', value: (up + down) / SYNCS, unit: 'B', better: 'less' },
        { label: 'time', value: median(millis), unit: 'ms', better: 'less' },
      ]
    } finally {
      proxy.close()
    }
  })
}

await ask({
  title: ({ rows }) => `reconnect, nothing new, ${rows} rows`,
  file: 'reconnect.ts',
  numbers: { rows: 10_000 },
  run: measure,
})
