/**
 * A `kill -9` keeps the page cache, so it cannot tell a server that syncs from one that does not. System calls can:
 * between a push's bytes going into the write-ahead log and its answer going out there must be an fsync of that log.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { spawnServer } from './child.ts'
import { push, ReplicaLog } from './client.ts'
import { running, signUp, temporaryFolder } from './running.ts'

const PUSHES = 25
const MARKER = 'PUSHED-BYTES-'

function straceWorks(): boolean {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

interface Call {
  readonly name: string
  readonly file: string
  readonly text: string
}

/** Calls in the order they returned; a call that another thread interrupted is joined. */
function parseTrace(trace: string): Call[] {
  const calls: Call[] = []
  const unfinished = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(pid, rest.slice(0, -'<unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const text = resumed ? `${unfinished.get(pid) ?? ''}${resumed[1]}` : rest
    const parsed = /^(\w+)\(\d+<([^>]*)>/.exec(text)
    if (parsed?.[1] !== undefined && parsed[2] !== undefined) calls.push({ name: parsed[1], file: parsed[2], text })
  }
  return calls
}

test('[SYNC-2] every push is written, then fsynced, then answered, in the order of its system calls', async (context) => {
  if (!straceWorks()) {
    if (process.env['LOCKSTEP_REQUIRE_ALL'] === '1') throw new Error('strace is needed for this test')
    console.log('fsync from the trace of system calls: not run, strace does not work here')
    return context.skip()
  }
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const trace = join(folder, 'trace')
  const setUp = await running({ data })
  const { token } = await signUp(setUp.url)
  await setUp.close()
  const under = ['strace', '-f', '-y', '-s', '4096', '-o', trace, '-e', 'trace=fsync,fdatasync,pwrite64,write,writev,sendto']
  const server = await spawnServer(data, { under })
  const log = new ReplicaLog('a')
  for (let i = 0; i < PUSHES; i++) {
    await push(server.url, token, [log.next(new TextEncoder().encode(`${MARKER}${String(i).padStart(3, '0')}`.padEnd(200, '.')))])
  }
  process.kill(server.pid, 'SIGTERM')
  await server.exited

  const calls = parseTrace(readFileSync(trace, 'utf8'))
  const isLog = ({ file }: Call) => file.endsWith('lockstep.db-wal')
  let checked = 0
  for (let i = 0; i < PUSHES; i++) {
    const marker = `${MARKER}${String(i).padStart(3, '0')}`
    const written = calls.findIndex((call) => call.name === 'pwrite64' && isLog(call) && call.text.includes(marker))
    expect([marker, written]).not.toEqual([marker, -1])
    const answered = calls.findIndex(
      ({ file, text }, at) => at > written && file.startsWith('socket:') && text.includes('HTTP/1.1 200'),
    )
    expect([marker, answered]).not.toEqual([marker, -1])
    const lastWrite = calls.findLastIndex((call, at) => at < answered && call.name === 'pwrite64' && isLog(call))
    const synced = calls.findIndex((call, at) => at > lastWrite && at < answered && /^f(data)?sync$/.test(call.name) && isLog(call))
    expect([marker, synced]).not.toEqual([marker, -1])
    checked += 1
  }
  console.log(`fsync from the trace of system calls: ${checked} pushes, ${calls.length} calls`)
  expect(checked).toBe(PUSHES)
})
