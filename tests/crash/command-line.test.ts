/**
 * The real command line, killed with SIGKILL at any moment of writing, importing and syncing [G3]. What a command said it
 * had done is there afterwards, once; nothing is half done; the next command works as if nothing had happened.
 *
 * The full campaign: LOCKSTEP_RUNS=60 npx vitest run tests/crash
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { Home } from '../story/lockstep.ts'
import { Random, runs, seeds } from '../support/random.ts'
import { runningServer } from '../support/running-server.ts'

const BIN = fileURLToPath(new URL('../../packages/cli/bin/lockstep.js', import.meta.url))
const FILES = 120
const KILLS = 25
/** Lives are drawn up to this many times what a command took on this machine: some come to their end. */
const LONGEST_LIFE = 2

/** Runs one command and kills it after `millis`; what it printed if it came to its end. */
async function killed(home: string, args: readonly string[], input: string, millis: number): Promise<string | undefined> {
  const child = spawn(process.execPath, [BIN, '--home', home, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  const output = text(child.stdout)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), millis)
  const [status] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return status === 0 ? output : undefined
}

function writeTree(folder: string, version: number): void {
  for (let i = 0; i < FILES; i++) {
    mkdirSync(join(folder, `space${i % 7}`), { recursive: true })
    writeFileSync(join(folder, `space${i % 7}`, `note${i}.md`), `# Note ${i}\n\nversion ${i % 3 === 0 ? version : 0}\n`)
  }
}

function integrity(home: string): unknown {
  const driver = openSqlite({ path: join(home, 'vault.db') })
  try {
    return driver.prepare('PRAGMA integrity_check').values()[0]?.[0]
  } finally {
    driver.close()
  }
}

type Note = { readonly id: string; readonly title: string; readonly path: string | null }

test('[G3] [LOG-2] [LOG-6] a command line that is killed at any moment loses nothing that it said was done', async () => {
  const [seed = 1] = seeds('kill -9 of the command line', 1)
  const random = new Random(seed)
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-crash-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const server = await runningServer()
  const here = new Home(join(folder, 'here'))
  const { passphrase } = await here.json<{ passphrase: string }>(['sign-in', '--server', server.url, '--password-stdin'], 'pw\n')
  const started = performance.now()
  await here.text(['space', 'add', 'Inbox'])
  const usual = performance.now() - started
  const tree = join(folder, 'tree')
  const acknowledged = new Map<string, string>()
  let version = 0
  let deaths = 0
  const kills = runs(KILLS)
  for (let i = 0; i < kills; i++) {
    const life = random.below(LONGEST_LIFE * usual)
    const action = random.pick(['add', 'import', 'sync'] as const)
    let out: string | undefined
    if (action === 'add') {
      out = await killed(
        here.folder,
        ['note', 'add', '--space', 'Inbox', '--title', `said ${i}`, '--file', '-', '--json'],
        `text ${i}`,
        life,
      )
      if (out !== undefined) acknowledged.set((JSON.parse(out) as { id: string }).id, `text ${i}`)
    } else if (action === 'import') {
      writeTree(tree, ++version)
      out = await killed(here.folder, ['import', 'markdown', tree, '--json'], '', life)
    } else {
      out = await killed(here.folder, ['sync', '--json'], '', life)
    }
    if (out === undefined) deaths++
    expect(integrity(here.folder), `after ${action} was killed; LOCKSTEP_SEED=${seed} npx vitest run tests/crash`).toBe('ok')
  }
  console.log(`G3: ${kills} commands, ${deaths} killed, ${acknowledged.size} notes acknowledged`)
  if (process.env['LOCKSTEP_SEED'] === undefined) {
    expect(deaths).toBeGreaterThan(kills / 10)
    expect(deaths).toBeLessThan(kills)
  }

  writeTree(tree, version)
  await here.text(['import', 'markdown', tree])
  await here.text(['sync'])
  const there = new Home(join(folder, 'there'))
  await there.text(['sign-in', '--server', server.url, '--password-stdin', '--passphrase', passphrase], 'pw\n')
  await there.text(['sync'])

  const notes = await here.json<Note[]>(['note', 'list'])
  expect(await there.json<Note[]>(['note', 'list'])).toEqual(notes)
  expect(await there.json<{ problems: unknown[] }>(['status'])).toMatchObject({ state: 'synced', pending: 0, problems: [] })
  // Every file once, whatever became of the imports before.
  expect(notes.filter(({ path }) => path !== null && path !== '').length).toBe(FILES)
  for (const [id, said] of acknowledged) {
    expect(await there.json<{ text: string }>(['note', 'show', id])).toMatchObject({ text: said })
  }
  const copy = join(folder, 'copy')
  await there.text(['export', 'markdown', copy])
  for (let i = 0; i < FILES; i++) {
    const path = join(`space${i % 7}`, `note${i}.md`)
    expect(readFileSync(join(copy, path), 'utf8')).toBe(readFileSync(join(tree, path), 'utf8'))
  }
})
