/**
 * Power cuts [G3]: `kill -9` keeps what the kernel has, a power cut does not. The system calls of a real server that takes pushes,
 * checkpoints, is stopped and started again are recorded; then the power is cut at random calls, and the disk is left with what
 * was synced and any part of what was not. Whatever opens has every push that was answered, and verifies.
 *
 * The same with a disk that is deaf to fsync must lose something: else this test would prove nothing.
 *
 * The full campaign: LOCKSTEP_RUNS=40 npx vitest run tests/crash/power-cuts.test.ts
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { decodePushAnswer } from '@lockstep/protocol/records'
import { verify } from '@lockstep/server/operate/verify'
import { openSqliteStorage } from '@lockstep/server/storage/sqlite/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { spawnServer } from '../../packages/server/test/child.ts'
import { push, ReplicaLog, sha256 } from '../../packages/server/test/client.ts'
import { random } from '../../packages/server/test/operate/data.ts'
import { running, signUp } from '../../packages/server/test/running.ts'
import { needs } from '../support/optional.ts'
import { Random, runs, seeds } from '../support/random.ts'
import { scratch } from './scratch.ts'
import { type Call, readTrace, STRACE, straceWorks, TRACED_CALLS } from './system-trace.ts'
import { TornDisk } from './torn-disk.ts'

const FILE = 'tests/crash/power-cuts.test.ts'
const CUTS = 50
/** Cuts among which a disk that does not sync has to lose something. */
const DEAF_CUTS = 20
const SMALL_PUSHES = 40
/** Enough for a checkpoint in the middle of the work, which comes at 16 MiB, and for the log to begin again at its start. */
const LARGE_PUSHES = 5
const LARGE = 4_000_000

interface Recording {
  readonly folder: string
  readonly before: ReadonlyMap<string, Uint8Array>
  readonly calls: readonly Call[]
  /** SHA-256 of what was pushed as sequence number n + 1. */
  readonly digests: readonly Uint8Array[]
}

/** Sequence numbers that a call tells somebody. */
function answered(call: Call): readonly number[] {
  if (call.type !== 'send') return []
  const bytes = Buffer.from(call.bytes)
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1 || !bytes.subarray(0, 15).toString().startsWith('HTTP/1.1 200')) return []
  return decodePushAnswer(bytes.subarray(end + 4)).sequences
}

async function record(): Promise<Recording> {
  const top = mkdtempSync(join(tmpdir(), 'lockstep-power-'))
  onTestFinished(() => rmSync(top, { recursive: true, force: true }))
  const folder = join(top, 'data')
  const setUp = await running({ data: folder })
  const { token } = await signUp(setUp.url)
  await setUp.close()
  const before = new Map(readdirSync(folder).map((name) => [name, Uint8Array.from(readFileSync(join(folder, name)))]))
  const author = new ReplicaLog('a')
  const digests: Uint8Array[] = []
  const calls: Call[] = []

  async function life(sizes: readonly number[], end: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const trace = join(top, `trace-${end}`)
    const server = await spawnServer(folder, { under: [...STRACE, '-o', trace, '-e', `trace=${TRACED_CALLS}`] })
    for (const size of sizes) {
      const sealed = random(size)
      digests.push(sha256(sealed))
      await push(server.url, token, [author.next(sealed)])
    }
    process.kill(server.pid, end)
    await server.exited
    calls.push(...readTrace(trace))
  }

  const small = Array.from({ length: SMALL_PUSHES }, (_, i) => 200 + 97 * i)
  await life(small, 'SIGTERM')
  await life([...small, ...Array.from({ length: LARGE_PUSHES }, () => LARGE), ...small], 'SIGKILL')
  return { folder, before, calls, digests }
}

/** What is wrong on a disk after the power is back, or nothing. @param told pushes that were answered */
function lookAt(disk: TornDisk, told: number, { digests }: Recording, draw: Random): string | undefined {
  const target = join(scratch(), 'data')
  mkdirSync(target)
  disk.writeTo(target, draw)
  try {
    openSqliteStorage({ folder: target, random }).close()
    const { findings, vaults } = verify({ path: target })
    if (findings[0] !== undefined) return findings[0].message
    const head = vaults[0]?.head ?? 0
    if (head < told) return `${told} pushes were answered and ${head} are there`
    const db = new DatabaseSync(join(target, 'lockstep.db'), { readOnly: true })
    const stored = db.prepare('SELECT digest FROM segments ORDER BY last').all()
    db.close()
    const wrong = stored.findIndex((row, i) => Buffer.compare(row['digest'] as Uint8Array, digests[i] ?? new Uint8Array(0)) !== 0)
    return wrong === -1 ? undefined : `segment ${wrong + 1} is not what was pushed`
  } catch (error) {
    return `${error}`
  } finally {
    rmSync(target, { recursive: true, force: true })
  }
}

/** Cuts the power `cuts` times. Answers after how many calls something was wrong, and what. */
function cutPower(recording: Recording, cuts: number, draw: Random, deaf = false): [at: number, wrong: string][] {
  const { folder, before, calls } = recording
  const disk = new TornDisk({ folder, files: before, deaf })
  const places = Array.from({ length: cuts }, () => draw.between(1, calls.length)).sort((a, b) => a - b)
  const found: [number, string][] = []
  let done = 0
  let told = 0
  for (const at of places) {
    for (const call of calls.slice(done, at)) {
      disk.apply(call)
      told = Math.max(told, ...answered(call))
    }
    done = at
    const wrong = lookAt(disk, told, recording, draw)
    if (wrong !== undefined) found.push([at, wrong])
  }
  return found
}

const strace = needs('power cuts replayed from a trace of system calls', straceWorks(), 'strace is not there, or may not trace')

describe.skipIf(!strace)('power cuts replayed from system calls', () => {
  test('[SYNC-2] [G3] every answered push is there after any power cut', async () => {
    const recording = await record()
    const { calls, digests } = recording
    const told = new Set(calls.flatMap(answered))
    // The last answer of a server that is killed may have been sent before the tracer had written it down.
    expect(told.size).toBeGreaterThanOrEqual(digests.length - 1)
    const syncs = calls.filter(({ type }) => type === 'sync').length
    expect(syncs).toBeGreaterThan(digests.length)
    const [seed = 1] = seeds('power cuts', 1)
    const draw = new Random(seed)
    const cuts = runs(CUTS)
    expect(cutPower(recording, cuts, draw), `LOCKSTEP_SEED=${seed} npx vitest run ${FILE}`).toEqual([])
    console.log(
      `G3: ${cuts} power cuts among ${calls.length} calls, ${syncs} of them syncs, of ${digests.length} pushes: nothing lost`,
    )

    const lost = cutPower(recording, DEAF_CUTS, draw, true).length
    console.log(`G3: with a disk that does not sync, ${lost} of ${DEAF_CUTS} cuts lose something`)
    expect(lost).toBeGreaterThan(DEAF_CUTS / 2)
  })
})
