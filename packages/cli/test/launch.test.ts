import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const LAUNCH = new URL('../bin/launch.js', import.meta.url)
const PROGRAM = new URL('fixtures/program.ts', import.meta.url)

/** The Node that a person's shell finds, not the one that npm puts first: often an old one. */
const machineNode =
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .find((path) => existsSync(path)) ?? process.execPath

/** How the launcher is run: by which Node, and whether it is made to believe that its Node is old. */
const WAYS = [
  { name: 'by a Node that is new enough, in-process', node: process.execPath, options: {} },
  { name: "by a Node that is too old, on the workspace's", node: process.execPath, options: { version: '20.0.0' } },
  { name: "by the machine's own Node, whatever it is", node: machineNode, options: {} },
]

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(node: string, options: object, args: readonly string[]) {
  const script = `import(${JSON.stringify(LAUNCH.href)}).then(({ launch }) => launch(new URL(${JSON.stringify(PROGRAM.href)}), ${optionsCode(options)}))`
  // Under -e, process.argv has no script: the stand-in takes its place.
  const child = spawn(node, ['--input-type=module', '-e', script, '--', 'script', ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  children.push(child)
  return { child, output: text(child.stdout), errors: text(child.stderr), ended: once(child, 'close') }
}

function optionsCode(options: { version?: string; from?: string }): string {
  const from = options.from === undefined ? '' : `, from: new URL(${JSON.stringify(options.from)})`
  const version = options.version === undefined ? '' : `version: ${JSON.stringify(options.version)}`
  return `{ ${version}${from} }`
}

describe.each(WAYS)('the launcher, run $name', ({ node, options }) => {
  it('hands arguments, input and output through to a program on Node 26 or newer', async () => {
    const { child, output, errors, ended } = start(node, options, ['report', '--json', 'two words', ''])
    child.stdin.end('typed\n')
    expect(await ended).toEqual([0, null])
    expect(await errors).toBe('')
    const report = JSON.parse(await output)
    expect(Number.parseInt(report.node, 10)).toBeGreaterThanOrEqual(26)
    expect(report).toMatchObject({ arguments: ['--json', 'two words', ''], input: 'typed\n' })
  })

  it.each([0, 1, 3, 255])('ends with exit status %i', async (status) => {
    const { ended } = start(node, options, ['exit', String(status)])
    expect(await ended).toEqual([status, null])
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)('ends by %s when the program does', async (signal) => {
    const { ended } = start(node, options, ['die', signal])
    expect(await ended).toEqual([null, signal])
  })

  it.each([
    ['SIGTERM', 40],
    ['SIGINT', 41],
    ['SIGHUP', 42],
  ] as const)('passes %s on', async (signal, status) => {
    const { child, ended } = start(node, options, ['wait'])
    await once(child.stdout, 'data')
    child.kill(signal)
    expect(await ended).toEqual([status, null])
  })
})

describe('without an installed workspace', () => {
  it('the launcher says what to do', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'lockstep-launch-'))
    try {
      const from = pathToFileURL(join(empty, 'launch.js')).href
      const { output, errors, ended } = start(process.execPath, { version: '20.1.2', from }, ['report'])
      expect(await ended).toEqual([1, null])
      expect(await output).toBe('')
      expect(await errors).toMatch(/needs Node 26 or newer; this is 20\.1\.2[\s\S]*`npm install`/)
    } finally {
      await rm(empty, { recursive: true })
    }
  })
})
