/**
 * A `kill -9` keeps the page cache, so what a power cut would leave is read from the system calls of an upload: the file's bytes,
 * its fsync, its name, the folder's fsync, the fsync of the database's log, the answer, in this order.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BLOBS_FOLDER } from '#blobs/fs/fs'
import { commandExists, needs } from '../../../../tests/support/optional.ts'
import { spawnServer } from '../child.ts'
import { temporaryFolder } from '../running.ts'
import { client } from './support.ts'

const UPLOADS = 5

function straceWorks(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const strace = needs('the order of an upload’s system calls', commandExists('strace') && straceWorks(), 'strace does not work here')

/** Whole calls, in the order in which they ended. */
function endedCalls(trace: string): string[] {
  const begun = new Map<string, string>()
  return trace.split('\n').flatMap((line) => {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (text.endsWith('<unfinished ...>')) {
      begun.set(thread, text.slice(0, -'<unfinished ...>'.length))
      return []
    }
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)
    return [rest === null ? text : `${begun.get(thread) ?? ''}${rest[1]}`]
  })
}

test.skipIf(!strace)('[SYNC-2] an upload is synced, named, recorded and then answered', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder()
  const [data, trace] = [join(folder, 'data'), join(folder, 'trace')]
  const calls = 'trace=fsync,fdatasync,pwrite64,write,writev,sendto,rename,renameat,renameat2'
  const server = await spawnServer(data, { under: ['strace', '-f', '-y', '-s', '200', '-o', trace, '-e', calls] })
  const { upload } = client((path, init) => fetch(server.url + path, init))
  for (let i = 0; i < UPLOADS; i++) await upload('a', `MARKED-BYTES-${i} `.repeat(20))
  process.kill(server.pid, 'SIGTERM')
  await server.exited
  const ended = endedCalls(readFileSync(trace, 'utf8'))
  const files = join(data, BLOBS_FOLDER)
  for (let i = 0; i < UPLOADS; i++) {
    const wanted = [
      ['written', (call: string) => /^p?write/.test(call) && call.includes('/incoming/') && call.includes(`MARKED-BYTES-${i} `)],
      ['synced', (call: string) => /^f(data)?sync\(/.test(call) && call.includes('/incoming/')],
      ['named', (call: string) => call.startsWith('rename') && call.includes('/incoming/')],
      ['the name synced', (call: string) => /^f(data)?sync\(/.test(call) && call.includes(`<${files}>`)],
      ['recorded', (call: string) => call.startsWith('pwrite64') && call.includes('lockstep.db-wal')],
      ['the record synced', (call: string) => /^f(data)?sync\(/.test(call) && call.includes('lockstep.db-wal')],
      ['answered', (call: string) => call.includes('socket:') && call.includes('HTTP/1.1 200')],
    ] as const
    let at = 0
    for (const [what, isWanted] of wanted) {
      const found = ended.findIndex((call, index) => index >= at && isWanted(call))
      expect([i, what, found]).not.toEqual([i, what, -1])
      at = found + 1
    }
    // Nothing was answered on the way.
    const written = ended.findIndex((call) => wanted[0][1](call))
    const answers = ended.slice(written, at - 1).filter((call) => wanted[6][1](call))
    expect(answers).toEqual([])
  }
})
