/** The Node adapter: what it puts on disk and on the wire. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HttpRequest } from '#http'
import { openDevice } from '#platform/node/device'
import { createNodeHttp } from '#platform/node/http'
import { secretFiles } from '#platform/node/secret-files'
import { runningServer } from '../../../tests/support/running-server.ts'
import { signIn } from './support/devices.ts'
import { codeOf, schema, temporaryFolder } from './support/vaults.ts'

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('a home', () => {
  test('[KEY-1] is a folder of its owner’s alone, and so is every file in it', async () => {
    const home = join(temporaryFolder(), 'deep', 'home')
    const device = await openDevice({ home, schema })
    const server = await runningServer()
    await device.signIn(signIn(server))
    await device.sync()
    expect(mode(home)).toBe('700')
    const files = readdirSync(home).filter((name) => statSync(join(home, name)).isFile())
    expect(files).toEqual(expect.arrayContaining(['keys.json', 'profile.json', 'vault.db']))
    for (const name of files) expect([name, mode(join(home, name))]).toEqual([name, '600'])
    await device.signOut({ wipe: true })
    expect(readdirSync(home)).toEqual([])
  })

  test('that cannot be opened is let go of: it can be opened once it is mended', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, 'keys.json'), 'not json')
    expect(await codeOf(() => openDevice({ home, schema }))).toBe('database-newer')
    writeFileSync(join(home, 'keys.json'), '')
    await expect(openDevice({ home, schema })).rejects.toThrow('damaged')
    const fresh = join(home, 'fresh')
    const device = await openDevice({ home: fresh, schema })
    device.vault.transact((tx) => tx.insert('notes', { title: 'x' }))
    await device.close()
    const again = await openDevice({ home: fresh, schema })
    expect(again.vault.query('SELECT title FROM notes')).toEqual([{ title: 'x' }])
    await again.close()
  })

  test('[CELL-1] two processes open a new home at the same time', async () => {
    const home = temporaryFolder()
    const devices = await Promise.all([openDevice({ home, schema }), openDevice({ home, schema })])
    for (const [i, { vault }] of devices.entries()) vault.transact((tx) => tx.insert('notes', { title: String(i) }))
    for (const { vault } of devices)
      expect(vault.query('SELECT title FROM notes ORDER BY title')).toEqual([{ title: '0' }, { title: '1' }])
    expect(devices[0]?.vault.store.replica).toBe(devices[1]?.vault.store.replica)
    for (const device of devices) await device.close()
  })
})

describe('two processes on one home', () => {
  test('[LOG-1] [LOG-2] write and sync at the same time, and every edit arrives once', async () => {
    const server = await runningServer()
    const home = temporaryFolder()
    const here = await openDevice({ home, schema })
    await here.signIn(signIn(server))
    await here.sync()
    const script = fileURLToPath(new URL('support/writer-process.ts', import.meta.url))
    const run = (name: string) => promisify(execFile)(process.execPath, [script, home, name, '15'])
    await Promise.all([run('one'), run('two')])
    await here.sync()
    expect(here.status()).toMatchObject({ state: 'synced', pending: 0, problems: [] })
    const other = await openDevice({ home: temporaryFolder(), schema })
    await other.signIn(signIn(server, { intent: 'join' }))
    await other.sync()
    for (const { vault } of [here, other]) {
      expect(vault.query('SELECT count(*) AS c FROM notes')).toEqual([{ c: 31 }])
      const text = String(vault.query("SELECT text FROM notes WHERE id = 'both'")[0]?.['text'])
      for (const name of ['one', 'two']) for (let i = 0; i < 15; i++) expect(text.split(`${name}${i};`)).toHaveLength(2)
    }
    await here.close()
    await other.close()
  })
})

describe('secret files', () => {
  test('[KEY-1] are replaced as a whole: what fails leaves the old one and no rest', async () => {
    const home = temporaryFolder()
    const files = secretFiles(home)
    expect(await files.loadSecrets()).toBeUndefined()
    await files.saveSecrets({ a: 1 })
    await Promise.all(Array.from({ length: 10 }, (_, i) => files.saveSecrets({ a: i })))
    expect(readdirSync(home)).toEqual(['keys.json'])
    expect(mode(join(home, 'keys.json'))).toBe('600')
    const blocked = join(home, 'profile.json')
    mkdirSync(blocked)
    await expect(files.saveProfile({ b: 1 })).rejects.toThrow()
    expect(readdirSync(home).sort()).toEqual(['keys.json', 'profile.json'])
    expect(existsSync(blocked)).toBe(true)
    expect(JSON.parse(readFileSync(join(home, 'keys.json'), 'utf8'))).toHaveProperty('a')
  })
})

describe('HTTP', () => {
  async function listening(handler: Parameters<typeof createServer>[1]): Promise<{ url: string; server: Server }> {
    const server = createServer(handler as NonNullable<typeof handler>)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.closeAllConnections())
    onTestFinished(() => void server.close())
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
  }
  function client() {
    const { http, close } = createNodeHttp()
    onTestFinished(close)
    return async (request: Omit<HttpRequest, 'headers'> & { headers?: Record<string, string> }) => {
      const response = await http({ headers: {}, ...request })
      const parts: Uint8Array[] = []
      for await (const part of response.body) parts.push(part)
      return { status: response.status, text: Buffer.concat(parts).toString(), header: response.header }
    }
  }

  test('[HTTP-2] sends what it is given and follows no redirect: a token goes nowhere else', async () => {
    const seen: string[] = []
    const { url } = await listening((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${request.headers['content-length']}`)
      if (request.url === '/moved') response.writeHead(307, { location: '/stolen' }).end()
      else response.end('fine')
    })
    const send = client()
    expect(await send({ method: 'GET', url: `${url}/moved`, headers: { authorization: 'Bearer t' } })).toMatchObject({
      status: 307,
    })
    expect(await send({ method: 'POST', url: `${url}/x`, body: new Uint8Array(3) })).toMatchObject({ status: 200, text: 'fine' })
    expect(seen).toEqual(['GET /moved Bearer t undefined', 'POST /x undefined 3'])
  })

  test('nobody there, a name that does not exist, an answer that breaks off: offline. A cancelled request: cancelled', async () => {
    const { url, server } = await listening((request, response) => {
      if (request.url === '/half') {
        response.writeHead(200, { 'content-length': '100' }).write('half')
        setTimeout(() => response.destroy(), 5)
      }
    })
    const send = client()
    expect(await codeOf(() => send({ method: 'GET', url: `${url}/half` }))).toBe('offline')
    const controller = new AbortController()
    const waiting = codeOf(() => send({ method: 'GET', url: `${url}/never`, signal: controller.signal }))
    setTimeout(() => controller.abort(), 20)
    expect(await waiting).toBe('cancelled')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect(await codeOf(() => send({ method: 'GET', url }))).toBe('offline')
    expect(await codeOf(() => send({ method: 'GET', url: 'http://no-such-host.invalid' }))).toBe('offline')
  })

  test('a kept connection that the server closes is asked again, unless the request must not be sent twice', async () => {
    let requests = 0
    let dropping = false
    const { url } = await listening((_request, response) => {
      requests++
      if (!dropping) return response.end('ok')
      dropping = false
      return response.socket?.resetAndDestroy()
    })
    const send = client()
    await send({ method: 'GET', url })
    dropping = true
    expect(await send({ method: 'GET', url })).toMatchObject({ text: 'ok' })
    expect(requests).toBe(3)
    dropping = true
    expect(await codeOf(() => send({ method: 'POST', url, body: new Uint8Array(1), once: true }))).toBe('offline')
    expect(requests).toBe(4)
  })
})
