/**
 * Reads the folder of a built web app into memory, once, and begins to compress what gets shorter by it. What the build has compressed
 * as well as it goes (`index.js.br` beside `index.js`) is taken from there.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants, gzip } from 'node:zlib'
import { ConfigError } from '#config'
import type { WebEncoding, WebFile } from '#web-app'

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}
const UNKNOWN_TYPE = 'application/octet-stream'
const COMPRESSED = /^text\/|json$|javascript|svg|wasm$/
/** Below this an encoding saves nothing that anybody would notice. Bytes. */
const WORTH_COMPRESSING = 1024
/** All files together; more is not an app but somebody's home folder. Bytes. */
const MAX_BYTES = 64 * 1024 * 1024
/** Where the pages are, by their files: the app, and what a public link leads to, which reads the id from its address. */
const PAGES: Readonly<Record<string, string>> = { '/index.html': '/', '/share.html': '/s/:id' }
/** Vite puts what has its hash in its name here. */
const HASHED = /^\/assets\//
const COMPRESSED_SUFFIX = '.br'
/** The next steps save up to a tenth and cost fifty times more: nothing for a server's start. */
const BROTLI_QUALITY = 5

/** What the build has compressed, unless it is that of another build. */
async function compressedBefore(body: Uint8Array, compressed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const whole = await promisify(brotliDecompress)(compressed, { maxOutputLength: body.length + 1 }).catch(() => undefined)
  return whole?.equals(body) === true ? compressed : compress.br(body)
}

const compress: Readonly<Record<WebEncoding, (body: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>>> = {
  br: async (body) =>
    new Uint8Array(await promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })),
  gzip: async (body) => new Uint8Array(await promisify(gzip)(body, { level: 9 })),
}

function refused(folder: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError([`web: ${folder} ${why}`], { cause })
}

function webFile(path: string, body: Uint8Array<ArrayBuffer>, compressed: Uint8Array<ArrayBuffer> | undefined): WebFile {
  const mediaType = MEDIA_TYPES[extname(path)] ?? UNKNOWN_TYPE
  const encoded = COMPRESSED.test(mediaType) && body.length >= WORTH_COMPRESSING
  return {
    path: PAGES[path] ?? path,
    mediaType,
    etag: `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    immutable: HASHED.test(path),
    body,
    encoded: encoded
      ? { br: compressed === undefined ? compress.br(body) : compressedBefore(body, compressed), gzip: compress.gzip(body) }
      : {},
  }
}

/**
 * Hidden files are left out.
 *
 * @throws ConfigError for a folder that cannot be read or is not that of a built app.
 */
export function readWebFolder(folder: string): WebFile[] {
  // First: a whole disk would take long to list.
  if (!existsSync(join(folder, 'index.html'))) throw refused(folder, 'has no index.html: build the app with npm run build')
  const bodies = new Map<string, Uint8Array<ArrayBuffer>>()
  let total = 0
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const name = relative(folder, path).replaceAll('\\', '/')
      if (!entry.isFile() || /(?:^|\/)\./.test(name)) continue
      if (!/^[\w./-]+$/.test(name)) throw refused(folder, `has a file whose name no address can have: ${name}`)
      total += statSync(path).size
      if (total > MAX_BYTES) throw refused(folder, 'is too large for an app')
      bodies.set(name, new Uint8Array(readFileSync(path)))
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw refused(folder, `cannot be read: ${(error as Error).message}`, error)
  }
  const isCompressed = (name: string) => name.endsWith(COMPRESSED_SUFFIX) && bodies.has(name.slice(0, -COMPRESSED_SUFFIX.length))
  return [...bodies]
    .filter(([name]) => !isCompressed(name))
    .map(([name, body]) => webFile(`/${name}`, body, bodies.get(name + COMPRESSED_SUFFIX)))
}
