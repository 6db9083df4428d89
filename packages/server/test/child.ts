/** Runs crashing-server.ts, alone or under another command (strace). */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface ServerProcess {
  readonly url: string
  /** The process that was started: the server, or what it runs under. */
  readonly child: ChildProcess
  /** The server's own process id. */
  readonly pid: number
  readonly exited: Promise<void>
}

export async function spawnServer(
  data: string,
  { crashAt, under = [] }: { crashAt?: string; under?: readonly string[] } = {},
): Promise<ServerProcess> {
  const script = fileURLToPath(new URL('./crashing-server.ts', import.meta.url))
  const [command = process.execPath, ...args] = [...under, process.execPath, script, data]
  const child = spawn(command, args, {
    env: { ...process.env, LOCKSTEP_CRASH_AT: crashAt ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.trim())
    })
    void exited.then(() => reject(new Error('the server ended before it listened')))
  })
  const [url = '', pid] = line.split(' ')
  return { url, pid: Number(pid), child, exited }
}
