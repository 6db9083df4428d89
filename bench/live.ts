/**
 * Live mode: from a note's being written on one device to its being readable on another, durable on the server before it
 * is announced. Three processes on one machine; the clock is the machine's.
 *
 *     node bench/live.ts --edits 1000
 */
import { loopbackMillis, syncMillis } from './support/machine.ts'
import { ask, type Figure, median, quantile } from './support/report.ts'
import { onStage } from './support/stage.ts'

/** Milliseconds between two notes: each is alone on its way. */
const PAUSE = 15

async function measure({ edits }: { readonly edits: number }): Promise<Figure[]> {
  return onStage(async ({ device }) => {
    const writer = await device()
    await writer.call('sync')
    const reader = await device()
    await writer.call('goLive')
    await reader.call('goLive')
    // The first ones warm the code up.
    await writer.call('writeTimes', { count: 100, pause: PAUSE })
    await reader.call('readTimes')
    await writer.call('writeTimes', { count: edits, pause: PAUSE })
    await new Promise((resolve) => setTimeout(resolve, 500))
    const millis = await reader.call('latencies')
    if (millis.length < edits) throw new Error(`${millis.length} of ${edits} notes arrived`)
    // Written on the device, sealed on the device, stored on the server: three times durable, and the way to the other device.
    const limit = 3 * syncMillis() + 1.5 * (await loopbackMillis())
    return [
      {
        label: 'median',
        value: median(millis),
        unit: 'ms',
        better: 'less',
        goal: 3,
        limit: { label: 'ms for three fdatasyncs and the way', value: limit },
      },
      { label: 'p99', value: quantile(millis, 0.99), unit: 'ms', better: 'less', goal: 20 },
      { label: 'greatest', value: quantile(millis, 1), unit: 'ms', better: 'less' },
    ]
  })
}

await ask({ title: ({ edits }) => `live edit to visible, ${edits} edits`, file: 'live.ts', numbers: { edits: 1000 }, run: measure })
