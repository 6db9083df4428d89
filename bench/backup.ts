/**
 * What an operator's commands cost: a backup while the server takes pushes, what those notice of it, `verify` and `restore`, on
 * a database of a given size.
 *
 *     node bench/backup.ts --megabytes 1000 --segment 4000
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, copyFileSync, fsyncSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { encodePush, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { hashFile } from '@lockstep/server/operate/files'
import { RawDevice, signUp } from './support/raw-client.ts'
import { ask, type Figure, quantile } from './support/report.ts'
import { onStage } from './support/stage.ts'

const BIN = fileURLToPath(new URL('../packages/cli/bin/lockstep.js', import.meta.url))
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
/** How long the pushes that a backup is compared with are measured. */
const QUIET_MILLIS = 4000
/** A sealed note of one edit. */
const EDIT = 400

async function fill(url: string, token: string, bytes: number, segment: number): Promise<void> {
  const replica = random(16)
  const perPush = Math.max(1, Math.min(1000, Math.floor(8e6 / segment)))
  let previous: Uint8Array = new Uint8Array(32)
  let counter = 0
  for (let left = Math.ceil(bytes / segment); left > 0; left -= perPush) {
    const records = Array.from({ length: Math.min(left, perPush) }, (): SegmentRecord => {
      const sealed = random(segment)
      const record = { kind: SEGMENT_KIND.delta, epoch: 1, replica, counter: ++counter, previous, sealed }
      previous = sha256(sealed)
      return record
    })
    const response = await fetch(`${url}/v1/segments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': SEGMENTS_MEDIA_TYPE },
      body: encodePush(records) as Uint8Array<ArrayBuffer>,
    })
    if (!response.ok) throw new Error(`push: ${response.status} ${await response.text()}`)
  }
}

/** Pushes one edit after another until `done`; how long each took, in milliseconds. */
async function editUntil(url: string, token: string, done: Promise<unknown>): Promise<number[]> {
  const device = new RawDevice(url, token)
  const millis: number[] = []
  let running = true
  void done.finally(() => {
    running = false
  })
  while (running) {
    const sent = performance.now()
    await device.push(EDIT)
    millis.push(performance.now() - sent)
  }
  device.close()
  return millis
}

/** Seconds. */
async function timed(work: () => unknown): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

/** Runs the command line as an operator does: a process of its own. */
async function lockstep(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [status] = (await once(child, 'exit')) as [number | null]
  if (status !== 0) throw new Error(`lockstep ${args[0]} ended with ${status}`)
}

function copySynced(from: string, to: string): void {
  copyFileSync(from, to)
  const file = openSync(to, 'r')
  fsyncSync(file)
  closeSync(file)
}

async function measure({ megabytes, segment }: { readonly megabytes: number; readonly segment: number }): Promise<Figure[]> {
  return onStage(async ({ folder, url }) => {
    const data = join(folder, 'server')
    const token = await signUp(url, 'main')
    await fill(url, token, megabytes * 1e6, segment)
    const quiet = await editUntil(url, token, new Promise((resolve) => setTimeout(resolve, QUIET_MILLIS)))
    const destination = join(folder, 'backup')
    const backingUp = timed(() => lockstep('backup', '--data', data, destination))
    const busy = await editUntil(url, token, backingUp)
    const seconds = await backingUp
    const wal = statSync(join(data, 'lockstep.db-wal')).size / 1e6
    const file = join(destination, 'lockstep.db')
    const size = statSync(file).size / 1e6
    const verified = await timed(() => lockstep('verify', data))
    const restored = await timed(() => lockstep('restore', destination, '--data', join(folder, 'restored')))
    const copied = await timed(() => copySynced(file, join(folder, 'copy')))
    const hashed = await timed(() => hashFile(file))
    return [
      {
        label: 'backed up and verified',
        value: size / seconds,
        unit: 'MB/s',
        better: 'more',
        limit: { label: 'MB/s copied and synced, nothing else', value: size / copied },
      },
      { label: 'a backup takes', value: seconds, unit: 's', better: 'less' },
      {
        label: 'pushes meanwhile, one device',
        value: busy.length / seconds,
        unit: 'pushes/s',
        better: 'more',
        limit: { label: 'pushes/s before', value: (quiet.length * 1000) / QUIET_MILLIS },
      },
      {
        label: 'the slowest in a hundred of them',
        value: quantile(busy, 0.99),
        unit: 'ms',
        better: 'less',
        limit: { label: 'ms before', value: quantile(quiet, 0.99) },
      },
      { label: "the server's log afterwards", value: wal, unit: 'MB', better: 'less' },
      {
        label: 'verify, beside the server',
        value: size / verified,
        unit: 'MB/s',
        better: 'more',
        limit: { label: 'MB/s through SHA-256 alone', value: size / hashed },
      },
      { label: 'verify takes', value: verified, unit: 's', better: 'less' },
      { label: 'restore takes', value: restored, unit: 's', better: 'less' },
    ]
  })
}

await ask({
  title: ({ megabytes, segment }) => `backup, ${megabytes} MB in segments of ${segment} bytes`,
  file: 'backup.ts',
  numbers: { megabytes: 1000, segment: 4000 },
  run: measure,
})
