/**
 * Measures durable pushes: `node packages/server/test/measure-push.ts [seconds]`.
 *
 * A server in a process of its own, clients on raw sockets in this one (an HTTP client would cost more than the
 * server). Each client keeps one connection and one push of one 400-byte segment in flight. Prints rates, latencies,
 * bytes on the wire for one push, an idle pull, and the rate of a bare fsync for comparison. Asserts nothing.
 */
import { fork } from 'node:child_process'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '@lockstep/protocol/bytes'
import { SEGMENTS_MEDIA_TYPE } from '@lockstep/protocol/http'
import { decodePushAnswer, encodePush } from '@lockstep/protocol/records'
import { startServer } from '#serve'
import { jsonRequest, ReplicaLog, signUpBody } from './client.ts'

const SEGMENT_BYTES = 400

async function serveInChild(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-measure-'))
  const server = await startServer({ data: folder, port: 0 }, { log: () => {} })
  process.send?.(server.url)
  process.once('message', async () => {
    await server.close()
    rmSync(folder, { recursive: true })
    process.exit(0)
  })
}

/** One keep-alive connection. Answers are small and one at a time, so they end where Content-Length says. */
class RawClient {
  readonly socket: Socket
  #buffered = Buffer.alloc(0)
  #resolve: ((answer: Buffer) => void) | undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay()
    this.socket.on('data', (chunk: Buffer) => {
      this.#buffered = Buffer.concat([this.#buffered, chunk])
      const end = this.#buffered.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/content-length: (\d+)/i.exec(this.#buffered.toString('latin1', 0, end))?.[1] ?? 0)
      if (this.#buffered.length < end + 4 + length) return
      const answer = this.#buffered
      this.#buffered = Buffer.alloc(0)
      this.#resolve?.(answer)
    })
  }

  exchange(request: Uint8Array): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#resolve = resolve
      this.socket.write(request)
    })
  }
}

function rawPush(token: string, body: Uint8Array): Buffer {
  const head = `POST /v1/segments HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: ${SEGMENTS_MEDIA_TYPE}\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

function bareFsyncs(milliseconds: number): number {
  const path = join(mkdtempSync(join(tmpdir(), 'lockstep-fsync-')), 'file')
  const file = openSync(path, 'a')
  const block = Buffer.alloc(4096 * 5)
  let count = 0
  for (const until = performance.now() + milliseconds; performance.now() < until; count++) {
    writeSync(file, block)
    fsyncSync(file)
  }
  closeSync(file)
  rmSync(path)
  return (count * 1000) / milliseconds
}

async function measure(seconds: number): Promise<void> {
  console.log(`bare fsync of 20 KiB: ${bareFsyncs(1000).toFixed(0)}/s`)
  const child = fork(import.meta.filename, ['serve'])
  const url = await new Promise<string>((resolve) => child.once('message', (message) => resolve(message as string)))
  const port = Number(new URL(url).port)
  const { token } = (await (await fetch(`${url}/v1/vaults`, jsonRequest('POST', signUpBody()))).json()) as { token: string }
  let position = { head: 0, chain: new Uint8Array(32) }
  for (const clients of [1, 8, 64]) {
    const latencies: number[] = []
    const started = performance.now()
    await Promise.all(
      Array.from({ length: clients }, async (_, i) => {
        const client = new RawClient(port)
        const log = new ReplicaLog(`${clients}/${i}`)
        const sealed = new Uint8Array(SEGMENT_BYTES)
        while (performance.now() < started + seconds * 1000) {
          sealed[0] = log.counter
          const request = rawPush(token, encodePush([log.next(sealed)]))
          const sent = performance.now()
          const answer = await client.exchange(request)
          latencies.push(performance.now() - sent)
          if (!answer.toString('latin1', 0, 12).endsWith('200')) throw new Error(answer.toString())
          if (log.counter === 2 && i === 0) {
            console.log(`one push: ${request.length} bytes up, ${answer.length} down, of them ${SEGMENT_BYTES} of segment`)
          }
          const now = decodePushAnswer(answer.subarray(answer.indexOf('\r\n\r\n') + 4)).position
          if (now.head > position.head) position = { head: now.head, chain: new Uint8Array(now.chain) }
        }
        client.socket.destroy()
      }),
    )
    const elapsed = (performance.now() - started) / 1000
    latencies.sort((a, b) => a - b)
    const at = (part: number) => (latencies[Math.floor(part * (latencies.length - 1))] ?? 0).toFixed(2)
    const rate = (latencies.length / elapsed).toFixed(0)
    console.log(`${clients} clients: ${rate} durable pushes/s, median ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  }
  const pull = `GET /v1/segments?after=${position.head}&chain=${toHex(position.chain)} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`
  const client = new RawClient(port)
  const started = performance.now()
  let pulls = 0
  let bytes = 0
  for (; performance.now() < started + seconds * 500; pulls++) bytes = (await client.exchange(Buffer.from(pull))).length
  console.log(
    `idle pull at ${position.head} segments: ${(pulls / (seconds / 2)).toFixed(0)}/s one after another, ${pull.length} bytes up, ${bytes} down`,
  )
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1])
  const commits = value('lockstep_commits_total')
  console.log(`${(value('lockstep_commit_pushes_total') / commits).toFixed(1)} pushes per commit over all`)
  client.socket.destroy()
  child.send('stop')
}

if (process.argv[2] === 'serve') await serveInChild()
else await measure(Number(process.argv[2] ?? 4))
