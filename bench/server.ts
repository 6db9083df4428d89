/**
 * The server alone: durable pushes a second from many devices at once, against one of them and against one fsync for each
 * request; memory when idle and with live connections, and how long a push takes to reach them all.
 *
 *     node bench/server.ts --devices 64 --live 1000
 */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { commitRate, syncMillis } from './support/machine.ts'
import { RawDevice, signUp } from './support/raw-client.ts'
import { ask, type Figure, quantile } from './support/report.ts'
import { onStage } from './support/stage.ts'

const MILLIS = 4000
/** A sealed note of one edit. */
const SEGMENT = 400

interface Pushes {
  readonly rate: number
  readonly millis: readonly number[]
}

async function pushes(url: string, token: string, devices: number): Promise<Pushes> {
  const millis: number[] = []
  const started = performance.now()
  const one = async () => {
    const device = new RawDevice(url, token)
    while (performance.now() - started < MILLIS) {
      const sent = performance.now()
      await device.push(SEGMENT)
      millis.push(performance.now() - sent)
    }
    device.close()
  }
  await Promise.all(Array.from({ length: devices }, one))
  return { rate: (millis.length * 1000) / (performance.now() - started), millis }
}

/** Opens a live connection on an empty vault; `heard` resolves with its first segment. */
function goLive(url: string, token: string): Promise<{ readonly heard: Promise<void>; readonly close: () => void }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/live`)
    let messages = 0
    const heard = new Promise<void>((hear) => {
      socket.onmessage = () => {
        messages++
        // The first message says where the log stands.
        if (messages === 1) resolve({ heard, close: () => socket.close() })
        else hear()
      }
    })
    socket.onopen = () => socket.send(JSON.stringify({ token, after: 0, chain: toBase64Url(new Uint8Array(32)) }))
    socket.onerror = () => reject(new Error('a live connection failed'))
  })
}

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

async function measure({ devices, live }: { readonly devices: number; readonly live: number }): Promise<Figure[]> {
  const memory = await onStage(async ({ server, url }) => {
    await pause(1000)
    const idle = (await server.call('usage')).rss
    const token = await signUp(url, 'live')
    const sockets: Awaited<ReturnType<typeof goLive>>[] = []
    for (let i = 0; i < live; i++) sockets.push(await goLive(url, token))
    await pause(1000)
    const connected = (await server.call('usage')).rss
    const device = new RawDevice(url, token)
    const started = performance.now()
    await device.push(SEGMENT)
    await Promise.all(sockets.map(({ heard }) => heard))
    const reached = performance.now() - started
    device.close()
    for (const { close } of sockets) close()
    return { idle, connected, reached }
  })
  const { one, many } = await onStage(async ({ url }) => {
    const token = await signUp(url, 'main')
    return { one: await pushes(url, token, 1), many: await pushes(url, token, devices) }
  })
  const sync = syncMillis()
  return [
    {
      label: `durable pushes from ${devices} devices`,
      value: many.rate,
      unit: 'pushes/s',
      better: 'more',
      limit: { label: 'SQLite commits/s, one push each, nothing else', value: commitRate(SEGMENT) },
    },
    { label: 'their median', value: quantile(many.millis, 0.5), unit: 'ms', better: 'less' },
    { label: 'their p99', value: quantile(many.millis, 0.99), unit: 'ms', better: 'less' },
    {
      label: 'durable pushes from one device',
      value: one.rate,
      unit: 'pushes/s',
      better: 'more',
      limit: { label: 'fdatasyncs/s', value: 1000 / sync },
    },
    { label: 'memory, idle', value: memory.idle / 1e6, unit: 'MB', better: 'less' },
    { label: `memory, ${live} live connections`, value: memory.connected / 1e6, unit: 'MB', better: 'less' },
    { label: `a push until all ${live} have it`, value: memory.reached, unit: 'ms', better: 'less' },
  ]
}

await ask({
  title: ({ devices, live }) => `server, ${devices} devices, ${live} live`,
  file: 'server.ts',
  numbers: { devices: 64, live: 1000 },
  run: measure,
})
