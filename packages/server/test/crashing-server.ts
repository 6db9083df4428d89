/**
 * A server in a process of its own that can be killed, or kills itself with SIGKILL at a named point:
 * `LOCKSTEP_CRASH_AT=name:count` at the count-th time it passes there. Prints its URL and its process id on one line.
 */
import { startServer } from '#serve'

const [name, count] = (process.env['LOCKSTEP_CRASH_AT'] ?? ':0').split(':')
let left = Number(count)

function crashPoint(point: string): void {
  if (point !== name) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}

const options = { port: 0, data: process.argv[2] ?? '', dialect: ['dataans', 'difflog'], insecureNoGate: true }
const server = await startServer(options, { crashPoint, log: () => {} })
process.once('SIGTERM', () => void server.close())
process.stdout.write(`${server.url} ${process.pid}\n`)
