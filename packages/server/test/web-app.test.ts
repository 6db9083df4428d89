import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ConfigError } from '#config'
import { readWebFolder } from '#serve/web-folder'
import { inProcess } from './in-process.ts'
import { problem, running, temporaryFolder } from './running.ts'
import { SCRIPT, webFiles, webFolder } from './web-files.ts'

const PAGE = '/'
const HASHED = '/assets/index-0a1b2c3d.js'

test('the page is asked for anew each time, what has its hash in its name never again', async () => {
  const { request } = inProcess({}, { web: webFiles() })
  const caching = async (path: string) => (await request(path)).headers.get('cache-control')
  expect(await caching(PAGE)).toBe('no-cache, no-transform')
  expect(await caching('/sw.js')).toBe('no-cache, no-transform')
  expect(await caching(HASHED)).toBe('public, max-age=31536000, immutable, no-transform')
  for (const path of [PAGE, HASHED]) {
    const first = await request(path)
    const etag = first.headers.get('etag') as string
    expect(first.status).toBe(200)
    for (const known of [etag, `"other", ${etag}`, etag.replace('W/', '')]) {
      const again = await request(path, { headers: { 'if-none-match': known } })
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
      expect(again.headers.get('content-security-policy')).toContain("default-src 'none'")
    }
    expect((await request(path, { headers: { 'if-none-match': 'W/"other"' } })).status).toBe(200)
  }
})

test('each file has its type, and the walls around the page: no foreign script, connection or frame', async () => {
  const { request } = inProcess({}, { web: webFiles() })
  const types = {
    [PAGE]: 'text/html; charset=utf-8',
    [HASHED]: 'text/javascript; charset=utf-8',
    '/assets/sqlite3-0a1b2c3d.wasm': 'application/wasm',
  }
  for (const [path, type] of Object.entries(types)) {
    const { headers } = await request(path)
    expect(headers.get('content-type')).toBe(type)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('permissions-policy')).toContain('geolocation=()')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
    expect(policy).toContain("connect-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/script-src[^;]*'unsafe-inline'|'unsafe-eval'/)
  }
})

test('a body comes in the best encoding that is asked for, and is the same', async () => {
  const { request } = inProcess({}, { web: webFiles() })
  const answer = async (accept: string | undefined) => {
    const response = await request(HASHED, accept === undefined ? {} : { headers: { 'accept-encoding': accept } })
    const body = Buffer.from(await response.arrayBuffer())
    const { headers } = response
    expect([headers.get('content-length'), headers.get('vary')]).toEqual([String(body.length), 'accept-encoding'])
    return { encoding: headers.get('content-encoding'), body }
  }
  const [brotli, gzip, plain] = [await answer('gzip, deflate, BR;q=0.5'), await answer('gzip, br;q=0'), await answer(undefined)]
  expect([brotli.encoding, gzip.encoding, plain.encoding]).toEqual(['br', 'gzip', null])
  expect(brotliDecompressSync(brotli.body).toString()).toBe(SCRIPT)
  expect(gunzipSync(gzip.body).toString()).toBe(SCRIPT)
  expect(plain.body.toString()).toBe(SCRIPT)
  expect(Math.max(brotli.body.length, gzip.body.length)).toBeLessThan(SCRIPT.length / 10)
  expect((await answer('identity, *;q=0')).encoding).toBeNull()
})

test('what the build has compressed is sent as it is, unless it is of another build; it has no address of its own', async () => {
  const page = '<!doctype html>'
  const small = brotliCompressSync(SCRIPT, { params: { [constants.BROTLI_PARAM_LGWIN]: 10 } })
  const folder = webFolder({
    'index.html': page,
    'assets/same.js': SCRIPT,
    'assets/same.js.br': small,
    'assets/other.js': SCRIPT,
    'assets/other.js.br': brotliCompressSync(SCRIPT.replace('in step', 'changed')),
    'assets/broken.js': SCRIPT,
    'assets/broken.js.br': SCRIPT,
    'assets/alone.br': small,
  })
  const { request } = inProcess({}, { web: readWebFolder(folder) })
  const body = async (path: string) => {
    const response = await request(path, { headers: { 'accept-encoding': 'br' } })
    expect([path, response.status, response.headers.get('content-encoding')]).toEqual([path, 200, 'br'])
    return Buffer.from(await response.arrayBuffer())
  }
  expect(small.equals(await body('/assets/same.js'))).toBe(true)
  for (const name of ['same', 'other', 'broken']) {
    expect(brotliDecompressSync(await body(`/assets/${name}.js`)).toString()).toBe(SCRIPT)
    expect((await request(`/assets/${name}.js.br`)).status).toBe(404)
  }
  expect((await request('/assets/alone.br')).status).toBe(200)
})

test('other paths are problems as before, other methods are told what there is', async () => {
  const { request } = inProcess({}, { web: webFiles() })
  for (const path of ['/nothing', '/assets/', '/assets/other.js', '/index.html', '/..%2f..%2fetc/passwd', '/v1/nothing']) {
    expect([path, await problem(await request(path))]).toMatchObject([path, { status: 404, code: 'not-found' }])
  }
  const posted = await request(PAGE, { method: 'POST' })
  expect([posted.headers.get('allow'), (await problem(posted)).status]).toEqual(['GET, HEAD', 405])
})

test('over a socket: HEAD has the headers of GET and no body; the folder is read at the start', async () => {
  const folder = webFolder()
  const { url } = await running({ web: folder })
  writeFileSync(join(folder, 'index.html'), 'changed')
  const head = await new Promise<Record<string, unknown>>((resolve, reject) => {
    get(url, { method: 'HEAD' }, ({ statusCode, headers }) => {
      resolve({ statusCode, ...headers })
    }).on('error', reject)
  })
  const page = await fetch(url)
  const text = await page.text()
  expect(text).toContain('<title>Lockstep</title>')
  expect(head).toMatchObject({ statusCode: 200, 'content-length': String(text.length), etag: page.headers.get('etag') })
})

test('without a build the page says how to get one; a folder that is no app is refused at the start', async () => {
  const { url } = await running()
  expect(await (await fetch(url)).text()).toContain('npm run build')
  const empty = temporaryFolder()
  for (const web of [empty, join(empty, 'not-there'), webFolder({ 'index.html': '', 'assets/a b.js': '' })]) {
    await expect(running({ web })).rejects.toThrow(ConfigError)
  }
  const paths = readWebFolder(webFolder({ 'index.html': '', '.built': '', '.hidden/x.js': '', 'a.txt': '' })).map(
    ({ path }) => path,
  )
  expect(paths.sort()).toEqual(['/', '/a.txt'])
})
