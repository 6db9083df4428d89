/**
 * The server has lost everything it held of a vault while three devices are online: how many bytes go up until it has all
 * again, against one upload of the vault. What was pushed is too old and too large to be at hand, so it is written as seeds.
 *
 *     node bench/wipe.ts --notes 20000
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Actor, startActor } from './support/actor.ts'
import type { DeviceActor } from './support/device-actor.ts'
import { type Proxy as CountingProxy, startProxy, type Traffic } from './support/proxy.ts'
import { ask, type Figure } from './support/report.ts'
import { Site } from './support/site.ts'

const SEED = 12
const DEVICES = 3
const MB = 1e6
/** Nobody has said anything for this long: it is over. */
const QUIET_MILLIS = 6000
const WATCH_MILLIS = 200

interface Online {
  readonly device: Actor<DeviceActor>
  readonly proxy: CountingProxy
}

const pause = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

/** What each device says until all are quiet, and when the last of it was. */
async function listen(online: readonly Online[]): Promise<{ readonly up: readonly number[]; readonly millis: number }> {
  const up = online.map(() => 0)
  const started = performance.now()
  let last = started
  while (performance.now() - last < QUIET_MILLIS) {
    await pause(WATCH_MILLIS)
    online.forEach(({ proxy }, i) => {
      const said: Traffic = proxy.take()
      up[i] = (up[i] as number) + said.up
      // Somebody who knocks at a server that is not there yet says nothing that arrives.
      if (said.down > 0) last = performance.now()
    })
  }
  return { up, millis: last - started }
}

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  const site = await Site.open(join(folder, 'server'))
  const online: Online[] = []
  const stage = { passphrase: undefined as string | undefined }
  const add = async (): Promise<Online> => {
    const proxy = await startProxy(site.url)
    const device = startActor<DeviceActor>('device-actor.ts')
    const home = join(folder, `device-${online.length}`)
    const { passphrase } = stage
    stage.passphrase = await device.call('open', { home, server: proxy.url, ...(passphrase !== undefined && { passphrase }) })
    online.push({ device, proxy })
    return { device, proxy }
  }
  try {
    for (let i = 0; i < DEVICES; i++) await add()
    const empty = join(folder, 'empty')
    await site.copyTo(empty)
    const [{ device: first }] = online as [Online]
    await first.call('fill', { seed: SEED, count: notes, size: 'mixed' })
    const { uploaded } = await first.call('sync')
    for (const { device } of online) await device.call('sync')
    for (const { device } of online) await device.call('goLive')
    await listen(online)
    await site.putBack(empty)
    const { up, millis } = await listen(online)
    const fresh = await add()
    await fresh.device.call('sync')
    const count = await fresh.device.call('count')
    if (count !== notes) throw new Error(`a fresh device has ${count} of ${notes} notes`)
    for (const { device } of online) process.stderr.write(`${await device.call('problems')}\n`)
    const sum = up.reduce((total, bytes) => total + bytes, 0)
    return [
      { label: 'one upload of the vault', value: uploaded.bytes / MB, unit: 'MB', better: 'less' },
      { label: 'uploaded after the wipe, by all', value: sum / MB, unit: 'MB', better: 'less' },
      { label: 'against one upload', value: sum / uploaded.bytes, unit: '×', better: 'less', goal: 1.1 },
      { label: 'uploaded by those that did not do it', value: (sum - Math.max(...up)) / 1000, unit: 'kB', better: 'less' },
      { label: 'until the server has everything', value: millis / 1000, unit: 's', better: 'less' },
    ]
  } finally {
    for (const { device, proxy } of online) {
      await device.stop()
      proxy.close()
    }
    await site.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

await ask({
  title: ({ notes }) => `wipe with ${DEVICES} devices online, ${notes} notes`,
  file: 'wipe.ts',
  numbers: { notes: 20_000 },
  run: measure,
})
