/**
 * The diff·log dialect: status, content when the client has everything, content when it has nothing, and a sync of one star, from one
 * client and from several at once, on a profile with diffs of 20 kB. Reading is compared with a bare Node server that answers the
 * same bytes, storing with SQLite commits of as many bytes.
 *
 *     node bench/difflog.ts --clients 16 --diffs 50
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startActor } from './support/actor.ts'
import type { BareServerActor } from './support/bare-server-actor.ts'
import { commitRate } from './support/machine.ts'
import { RawConnection, type RawRequest } from './support/raw-http.ts'
import { ask, type Figure, median } from './support/report.ts'
import type { ServerActor } from './support/server-actor.ts'

const MILLIS = 2000
/** Base64 of a sealed diff. */
const DIFF = 20_000
/** Base64 of a sealed star. */
const STAR = 240
const PASSWORD = 'c2FsdA==:cGFzc3dvcmQ='
const PROFILE = '/api/profile/bench'

const sealed = (characters: number): string => randomBytes((characters * 3) / 4).toString('base64')
const post = (path: string, fields: object): RawRequest => ({ method: 'POST', path, body: JSON.stringify(fields) })

interface Load {
  /** Answers a second. */
  readonly rate: number
  /** Median. */
  readonly millis: number
}

async function load(url: string, clients: number, next: (n: number) => RawRequest): Promise<Load> {
  const millis: number[] = []
  const started = performance.now()
  const one = async () => {
    const connection = new RawConnection(url)
    while (performance.now() - started < MILLIS) {
      const sent = performance.now()
      await connection.send(next(millis.length))
      millis.push(performance.now() - sent)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: clients }, one))
  return { rate: (millis.length * 1000) / (performance.now() - started), millis: median(millis) }
}

async function fill(url: string, diffs: number): Promise<void> {
  const connection = new RawConnection(url)
  await connection.send(
    post('/api/profile/create', {
      id: 'bench',
      name: 'Bench',
      password_hash: PASSWORD,
      encrypted_api_key: sealed(400),
      salt: 'c2FsdA==',
      keys_hash: 'keys',
    }),
  )
  const rows = Array.from({ length: diffs }, (_, i) => ({ id: String(1_767_225_600_000 + i), encrypted_data: sealed(DIFF) }))
  await connection.send(
    post(`${PROFILE}/sync`, {
      password_hash: PASSWORD,
      diffs: rows,
      stars: [],
      tldrs: [],
      diffs_hash: 'diffs',
      stars_hash: 'stars',
      tldrs_hash: 'tldrs',
    }),
  )
  connection.close()
}

async function measure({ clients, diffs }: { readonly clients: number; readonly diffs: number }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  const server = startActor<ServerActor>('server-actor.ts')
  const bare = startActor<BareServerActor>('bare-server-actor.ts')
  try {
    const url = await server.call('start', { data: join(folder, 'server'), dialect: ['difflog'] })
    const bareUrl = await bare.call('start')
    await fill(url, diffs)
    const hashes = { diffs_hash: 'diffs', stars_hash: 'stars', tldrs_hash: 'tldrs', keys_hash: 'keys' }
    const reads: readonly (readonly [string, RawRequest])[] = [
      ['status', { method: 'GET', path: `${PROFILE}/status` }],
      ['content, all hashes match', post(`${PROFILE}/content`, { password_hash: PASSWORD, ...hashes })],
      ['content, nothing there', post(`${PROFILE}/content`, { password_hash: PASSWORD })],
    ]
    const figures: Figure[] = []
    const add = (label: string, { rate, millis }: Load, limit: NonNullable<Figure['limit']>) => {
      figures.push({ label, value: rate, unit: 'answers/s', better: 'more', limit })
      figures.push({ label: '  median', value: millis, unit: 'ms', better: 'less' })
    }
    for (const [name, request] of reads) {
      const connection = new RawConnection(url)
      await bare.call('setAnswer', await connection.send(request))
      connection.close()
      for (const count of [1, clients]) {
        const { rate } = await load(bareUrl, count, () => request)
        const label = `${name}, ${count} ${count === 1 ? 'client' : 'clients'}`
        add(label, await load(url, count, () => request), { label: 'answers/s of a bare server', value: rate })
      }
    }
    // So few stars that the profile does not grow.
    const star = (n: number) =>
      post(`${PROFILE}/sync`, {
        password_hash: PASSWORD,
        stars: [{ id: `1767225600000:${n % 100}`, encrypted_data: sealed(STAR) }],
      })
    for (const count of [1, clients]) {
      const label = `sync of one star, ${count} ${count === 1 ? 'client' : 'clients'}`
      add(label, await load(url, count, star), { label: 'SQLite commits/s', value: commitRate(STAR) })
    }
    figures.push({ label: 'memory at its highest', value: (await server.call('usage')).peak / 1e6, unit: 'MB', better: 'less' })
    return figures
  } finally {
    await bare.stop()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await ask({
  title: ({ diffs }) => `diff·log dialect, ${diffs} diffs of 20 kB`,
  file: 'difflog.ts',
  numbers: { clients: 16, diffs: 50 },
  run: measure,
})
