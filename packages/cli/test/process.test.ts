/** The program as a process of its own: start, signals, pipes, two at once on one home. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { scratchFolder } from './support/run.ts'

const BIN = fileURLToPath(new URL('../bin/lockstep.js', import.meta.url))

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  child.stdin.end()
  return { child, out: () => text(child.stdout), err: () => text(child.stderr), ended: once(child, 'close') }
}

async function outcome(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const { out, err, ended } = start(args, env)
  const [stdout, stderr, [status]] = await Promise.all([out(), err(), ended])
  return { status, out: stdout, err: stderr }
}

it('runs, takes its home from LOCKSTEP_HOME, and ends with its status', async () => {
  const home = join(await scratchFolder(), 'home')
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(await outcome(['--version'])).toEqual({ status: 0, out: `${version}\n`, err: '' })
  expect(await outcome(['space', 'add', 'A', '--json'], { LOCKSTEP_HOME: home })).toMatchObject({ status: 0, err: '' })
  expect(await readdir(home)).toContain('vault.db')
  expect(await outcome(['note', 'list', '--home', home, '--wrong'])).toMatchObject({ status: 2, out: '' })
  expect(await outcome(['sync', '--home', home])).toMatchObject({ status: 3, out: '' })
})

it.skipIf(process.platform !== 'linux')(
  'an answer that cannot be written, on a full disk, is one sentence and status 1',
  async () => {
    const home = join(await scratchFolder(), 'home')
    const child = spawn('/bin/sh', ['-c', '"$@" > /dev/full', 'sh', process.execPath, BIN, 'space', 'list', '--home', home], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect(said).toMatch(/^The output cannot be written: .+\n$/)
    expect(status).toBe(1)
  },
)

it('serve says where it listens, writes its process id, and stops cleanly when told to', async () => {
  const data = join(await scratchFolder(), 'data')
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child, err, ended } = start(['serve', '--port', '0', '--data', data, '--web', 'none', '--json', '--log-level', 'error'])
    const errors = err()
    const [line] = await once(child.stdout, 'data')
    const said = JSON.parse(String(line)) as { url: string; pid: number }
    expect(said).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      pid: expect.any(Number),
      data,
      signUp: 'single',
      dialects: {},
      gate: null,
      web: false,
    })
    expect((await fetch(`${said.url}/healthz`)).status).toBe(200)
    expect(await readFile(join(data, 'server.pid'), 'utf8')).toBe(`${said.pid}\n`)
    // A second one on the same folder would ruin it.
    expect(await outcome(['serve', '--port', '0', '--data', data, '--json'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('folder-in-use'),
    })
    const { port } = new URL(said.url)
    expect(await outcome(['serve', '--port', port, '--data', `${data}2`, '--json'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('cannot-listen'),
    })
    child.kill(signal)
    expect(await ended).toEqual([0, null])
    expect(await errors).toBe('')
    expect(await readdir(data)).not.toContain('server.pid')
  }
})

it.each([
  ['a shell', '', 'lockstep'],
  ['npm', 'start', 'npx lockstep'],
])(
  'serve for a person, from %s: the address, the app, the folder, the policy, how to sign in, and the set-up token where one is needed',
  async (_, script, command) => {
    const folder = await scratchFolder()
    const data = join(folder, 'data')
    await writeFile(join(folder, 'index.html'), '<!doctype html>')
    const web = ['--web', folder, '--public-url', 'http://lockstep.example']
    const { child, ended } = start(['serve', '--port', '0', '--data', data, ...web, '--log-level', 'error'], {
      npm_lifecycle_event: script,
    })
    const [said] = await once(child.stdout, 'data')
    expect(String(said)).toMatch(
      new RegExp(
        String.raw`^Lockstep server {2}http:\S+\nWeb app {10}http://lockstep\.example\nData folder.*data\nSign-up {10}single: .*\nSet-up token {5}(\S+)\nSign in with {5}${command} sign-in --server \S+ --setup-token \1\n`,
      ),
    )
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  },
)

it('serve with dialects says where their clients find it; without a gate it warns, however quiet it is', async () => {
  const data = join(await scratchFolder(), 'data')
  const serve = ['serve', '--port', '0', '--data', data, '--dialect', 'difflog']
  const { child, err, ended } = start([...serve, '--dialect', 'dataans', '--insecure-no-gate', '--log-level', 'error', '--quiet'])
  const errors = err()
  const [said] = await once(child.stdout, 'data')
  expect(String(said)).toMatch(/^diff·log {9}DIFFLOG_URL=(http:\S+)\nDataans {10}sync address \1$/m)
  const url = /DIFFLOG_URL=(\S+)/.exec(String(said))?.[1]
  expect(await (await fetch(`${url}/health`)).text()).toBe('ok')
  expect(await (await fetch(`${url}/api/profile/nobody/status`)).json()).toEqual({ exists: false })
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(await errors).toMatch(/^Warning: the Dataans dialect runs without a gate\. /)
  const gated = start([...serve, '--access-team', 'example', '--access-aud', 'tag', '--json', '--log-level', 'error'])
  const silent = gated.err()
  const [line] = await once(gated.child.stdout, 'data')
  expect(JSON.parse(String(line))).toMatchObject({ dialects: { difflog: expect.any(String) }, gate: 'access' })
  gated.child.kill('SIGTERM')
  await gated.ended
  expect(await silent).toBe('')
  const refused = await outcome(['serve', '--data', data, '--dialect', 'dataans', '--json'])
  expect(refused).toMatchObject({ status: 2, out: '', err: expect.stringContaining('dataans has no passwords of its own') })
})

it('serve --check-config checks, shows no secret, and starts nothing', async () => {
  const data = join(await scratchFolder(), 'data')
  const secret = 'a-secret-of-enough-characters'
  const checked = await outcome(['serve', '--check-config', '--json', '--data', data, '--setup-token', secret], {
    LOCKSTEP_PORT: '1234',
  })
  expect(checked).toMatchObject({ status: 0, err: '' })
  expect(JSON.parse(checked.out)).toMatchObject({ port: 1234, data, setupToken: true, metricsToken: false })
  expect(checked.out).not.toContain(secret)
  await expect(readdir(data)).rejects.toThrow('ENOENT')
  if (process.platform !== 'linux') return
  const folder = await scratchFolder()
  expect(JSON.parse((await outcome(['serve', '--check-config', '--json'], { XDG_DATA_HOME: folder })).out)).toMatchObject({
    data: join(folder, 'lockstep/server'),
  })
})

it('a reader that goes away ends the program without a word', async () => {
  const home = join(await scratchFolder(), 'home')
  const { child, err, ended } = start(['--home', home, '--help'])
  const errors = err()
  child.stdout.destroy()
  const [status] = await ended
  expect(status).toBe(0)
  expect(await errors).toBe('')
})

it('two processes on one home at once both do their work', async () => {
  const home = join(await scratchFolder(), 'home')
  const names = Array.from({ length: 8 }, (_, i) => `space ${i}`)
  const all = await Promise.all(names.map((name) => outcome(['--home', home, 'space', 'add', name])))
  expect(all.map(({ status, err }) => [status, err])).toEqual(names.map(() => [0, '']))
  const listed = await outcome(['--home', home, 'space', 'list', '--json'])
  expect((JSON.parse(listed.out) as { name: string }[]).map(({ name }) => name)).toEqual(names)
})
