/**
 * Real Chromium for tests: the pages of `pages/` are built with the app's bundler, served under a strict content security
 * policy, and what the page sends to `/v1/` goes on to a real server, as behind one address.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { WEB_APP_POLICY } from '@lockstep/server/web-app'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { commandExists, needs } from '../support/optional.ts'

export const CHROMIUM = '/usr/bin/chromium'
const PAGES = fileURLToPath(new URL('./pages', import.meta.url))
const APP = fileURLToPath(new URL('../../apps/web', import.meta.url))

export const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/** A name that leads to this machine and is another machine's to the browser: plain HTTP from there is not a secure context. */
export const FOREIGN_HOST = 'notes.example'
export const ARGUMENTS = ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${FOREIGN_HOST} 127.0.0.1`]

/** Whether browser tests can run here. */
export const hasChromium = (name: string): boolean =>
  needs(name, commandExists('chromium'), "Debian's package chromium is not installed")

/** What a browser is shown: the pages of `pages/`, or the app as people get it. */
export type Built = 'pages' | 'app'

/** @returns the folder of what was built; the caller removes it */
async function buildFor(what: Built): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), `lockstep-${what}-`))
  if (what === 'app') {
    const { NODE_ENV } = process.env
    // As in a build by hand; tests have another, which would make it a build for development.
    process.env['NODE_ENV'] = 'production'
    await build({ root: APP, configFile: join(APP, 'vite.config.ts'), logLevel: 'error', build: { outDir, emptyOutDir: true } })
    if (NODE_ENV === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = NODE_ENV
    return outDir
  }
  await build({
    root: PAGES,
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      minify: false,
      target: 'es2024',
      rolldownOptions: { input: ['index.html', 'tab.html', 'markdown.html'].map((page) => join(PAGES, page)) },
    },
  })
  return outDir
}

export interface PageServer {
  readonly url: string
  close(): Promise<void>
}

/** @param path what is asked there, by default what was asked here */
export function pass(upstream: URL, incoming: IncomingMessage, outgoing: ServerResponse, path = incoming.url): void {
  const { method, headers } = incoming
  const onward = request({ host: upstream.hostname, port: upstream.port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}

export function passSocket(upstream: URL, incoming: IncomingMessage, socket: Duplex, head: Buffer, path = incoming.url): void {
  const lines = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}`)
  const onward = connect(Number(upstream.port), upstream.hostname, () => {
    onward.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.pipe(socket).pipe(onward)
  })
  onward.on('error', () => socket.destroy())
  socket.on('error', () => onward.destroy())
}

/** @param upstream address of a Lockstep server; a changed one is used from the next request on */
async function servePages(folder: string, upstream: () => string | undefined): Promise<PageServer> {
  const server: Server = createServer((incoming, outgoing) => {
    const { pathname } = new URL(incoming.url ?? '/', 'http://pages')
    const path = pathname === '/' ? '/index.html' : pathname
    const target = upstream()
    if (path.startsWith('/v1/') && target !== undefined) return pass(new URL(target), incoming, outgoing)
    try {
      const body = readFileSync(join(folder, path))
      const type = TYPES[extname(path)] ?? 'application/octet-stream'
      outgoing.writeHead(200, { 'content-type': type, 'content-security-policy': WEB_APP_POLICY }).end(body)
    } catch {
      outgoing.writeHead(404).end()
    }
  })
  server.on('upgrade', (incoming, socket, head) => {
    const target = upstream()
    if (target === undefined) socket.destroy()
    else passSocket(new URL(target), incoming, socket, head)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What `pages/page.ts` puts on the page. */
interface PageApi {
  start(name: string, script: string): void
  kill(name: string): void
  ask(name: string, method: string, ...args: unknown[]): Promise<unknown>
  committed(name: string): number | undefined
}

/** One worker of one page. */
export interface BrowserWorker {
  ask<T = unknown>(method: string, ...args: unknown[]): Promise<T>
  kill(): Promise<void>
  committed(): Promise<number | undefined>
}

export interface BrowserStage {
  readonly browser: Browser
  readonly url: string
  /** Where what was built lies. */
  readonly folder: string
  /** Another device: storage of its own. */
  newDevice(options?: BrowserContextOptions): Promise<BrowserContext>
  newPage(context: BrowserContext): Promise<Page>
  /** Starts a worker on a page. */
  startWorker(page: Page, name: string, script: 'device'): Promise<BrowserWorker>
  /** The address that the page's `/v1/` leads to. */
  useServer(url: string): void
  /** What pages wrote to their consoles as errors. */
  readonly errors: string[]
  close(): Promise<void>
}

type Lockstep = typeof globalThis & { readonly lockstep: PageApi }

export async function openBrowser(what: Built = 'pages'): Promise<BrowserStage> {
  const folder = await buildFor(what)
  let upstream: string | undefined
  const pages = await servePages(folder, () => upstream)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  const errors: string[] = []
  return {
    browser,
    url: pages.url,
    folder,
    errors,
    newDevice: (options) => browser.newContext(options),
    async newPage(context) {
      const page = await context.newPage()
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      page.on('pageerror', (error) => errors.push(error.message))
      await page.goto(pages.url)
      // The app's keys work from then on.
      if (what === 'app') await page.locator('main').waitFor()
      return page
    },
    async startWorker(page, name, script) {
      await page.evaluate(([name, script]) => (globalThis as Lockstep).lockstep.start(name, script), [name, script] as const)
      return {
        ask: <T>(method: string, ...args: unknown[]) =>
          page.evaluate(([name, method, args]) => (globalThis as Lockstep).lockstep.ask(name, method, ...args), [
            name,
            method,
            args,
          ] as const) as Promise<T>,
        kill: () => page.evaluate((name) => (globalThis as Lockstep).lockstep.kill(name), name),
        committed: () => page.evaluate((name) => (globalThis as Lockstep).lockstep.committed(name), name),
      }
    },
    useServer(url) {
      upstream = url
    },
    async close() {
      await browser.close()
      await pages.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
