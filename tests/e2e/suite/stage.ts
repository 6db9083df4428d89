/** A browser for test files: each runs in a dedicated worker of a page of its own, with storage of its own. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { WEB_APP_POLICY } from '@lockstep/server/web-app'
import { chromium } from 'playwright-core'
import { ARGUMENTS, CHROMIUM, pass, passSocket, TYPES } from '../chromium.ts'
import { buildSuite } from './build.ts'
import { openNodeSide } from './node-side.ts'
import type { CaseResult, RunRequest } from './report.ts'

const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Tests in a browser</title>'
/** Node has all of them. */
const FEWER_RUNS = 0.1
const TO_SERVER = /^\/to\/(\d+)(\/.*)$/

export interface SuiteStage {
  /**
   * @param skip full titles of tests to leave out
   * @param runs factor for the number of random runs
   */
  run(file: string, skip: readonly string[], runs?: number): Promise<CaseResult[]>
  close(): Promise<void>
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

/** What the server of a test is to be asked, and which one. */
function onward(url: string): { readonly upstream: URL; readonly path: string } | undefined {
  const [, port, path] = TO_SERVER.exec(url) ?? []
  return port === undefined || path === undefined ? undefined : { upstream: new URL(`http://127.0.0.1:${port}`), path }
}

export async function openSuite(files: readonly string[]): Promise<SuiteStage> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-suite-'))
  await buildSuite(files, folder)
  writeFileSync(join(folder, 'index.html'), PAGE)
  const nodeSide = await openNodeSide()
  // Nobody else on this machine is to be answered.
  const node = `/${randomUUID()}`

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = incoming.url ?? '/'
    const target = onward(url)
    if (target !== undefined) {
      pass(target.upstream, incoming, outgoing, target.path)
    } else if (url === node) {
      outgoing.end(await nodeSide.answer(await textOf(incoming)))
    } else {
      const path = join(folder, url === '/' ? '/index.html' : url)
      const type = TYPES[extname(path)] ?? 'application/octet-stream'
      const body = await readFile(path)
      outgoing.writeHead(200, { 'content-type': type, 'content-security-policy': WEB_APP_POLICY }).end(body)
    }
  }
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.writeHead(404).end())
  })
  server.on('upgrade', (incoming, socket, head) => {
    const target = onward(incoming.url ?? '/')
    if (target === undefined) socket.destroy()
    else passSocket(target.upstream, incoming, socket, head, target.path)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })

  return {
    async run(file, skip, runs = FEWER_RUNS) {
      const context = await browser.newContext()
      try {
        const page = await context.newPage()
        await page.goto(address)
        return await page.evaluate(runInWorker, { file, node, env: { LOCKSTEP_RUNS: String(runs) }, skip })
      } finally {
        await context.close()
      }
    },
    async close() {
      await browser.close()
      await nodeSide.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** On the page. */
function runInWorker(request: RunRequest): Promise<CaseResult[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker('/suite.js', { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<{ readonly results?: CaseResult[]; readonly error?: string }>) => {
      if (data.results === undefined) reject(new Error(data.error))
      else resolve(data.results)
    }
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`))
    worker.postMessage(request)
  })
}
