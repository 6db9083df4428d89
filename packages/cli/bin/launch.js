/**
 * Runs a TypeScript entry on a Node that can: this one when it is new enough, else the one that `npm install` put into
 * the workspace (the npm package `node`). Plain JavaScript that an old Node reads, so that `lockstep` works on a machine
 * whose own Node is 20.
 *
 * To whoever started it, the launcher is the program: standard input and output are handed through, signals are passed on,
 * and it ends as the program ends, with its exit status or by its signal. A program that is run in-process gets the
 * same `process.argv`: [Node, something, …arguments].
 *
 * A SIGKILL of the launcher cannot be passed on; who must be sure to hit the program kills the process id that the program
 * itself reports.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The first major version that runs the TypeScript sources and has a stable `node:sqlite`. */
const REQUIRED_MAJOR = 26

const FORWARDED = /** @type {const} */ (['SIGTERM', 'SIGHUP', 'SIGINT'])

/**
 * @param {URL} entry A TypeScript module that is the program: loading it runs it.
 * @param {{ version?: string, from?: URL }} [options] `version`: of this Node. `from`: the module from which the workspace's
 *   Node is looked up.
 * @returns {Promise<void>} when the program was started.
 */
export async function launch(entry, { version = process.versions.node, from = new URL(import.meta.url) } = {}) {
  if (Number.parseInt(version, 10) >= REQUIRED_MAJOR) {
    await import(entry.href)
    return
  }
  const node = findNode(from)
  if (node === undefined) {
    process.stderr.write(
      `lockstep needs Node ${REQUIRED_MAJOR} or newer; this is ${version}, and the one that comes with Lockstep is not installed.\n` +
        'Run `npm install` in the folder that Lockstep was cloned to (install scripts must be allowed for the package "node").\n',
    )
    process.exitCode = 1
    return
  }
  run(node, [fileURLToPath(entry), ...process.argv.slice(2)])
}

/**
 * The executable of the npm package `node`, if it is there: its install script may have been refused.
 *
 * @param {URL} from
 */
function findNode(from) {
  try {
    const manifest = createRequire(from).resolve('node/package.json')
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
    const executable = join(dirname(manifest), typeof bin === 'string' ? bin : bin.node)
    return [executable, `${executable}.exe`].find((path) => existsSync(path))
  } catch {
    return undefined
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' })
  const handlers = FORWARDED.map((signal) => {
    const handler = () => {
      // Ctrl-C on a terminal reaches the whole foreground group, the program included: passing it on would be a second one.
      if (signal === 'SIGINT' && onTerminal()) return
      child.kill(signal)
    }
    process.on(signal, handler)
    return { signal, handler }
  })
  const ended = () => {
    for (const { signal, handler } of handlers) process.off(signal, handler)
  }
  child.on('error', (error) => {
    ended()
    process.stderr.write(`lockstep could not start ${command}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (status, signal) => {
    ended()
    if (signal === null) {
      process.exitCode = status ?? 1
      return
    }
    // Shells report a death by signal as 128 + its number; dying by the same signal lets them see for themselves.
    process.exitCode = 128 + constants.signals[signal]
    process.kill(process.pid, signal)
  })
}

function onTerminal() {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
}
