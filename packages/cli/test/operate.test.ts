/** `lockstep backup`, `restore` and `verify`, as an operator meets them. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { describe, expect, it, onTestFinished } from 'vitest'
import { scratchFolder, type TestHome, testHome } from './support/run.ts'

const now = () => Date.UTC(2026, 1, 3)

async function serverOn(data: string, options: { port?: number; quota?: number } = {}): Promise<RunningServer> {
  const server = await startServer({ port: 0, ...options, data, signUp: 'open' }, { log: () => {} })
  onTestFinished(() => server.close())
  return server
}

/** A running server with one vault of one note, and the device that wrote it. */
async function served(): Promise<{ data: string; server: RunningServer; home: TestHome }> {
  const data = join(await scratchFolder(), 'data')
  const server = await serverOn(data)
  const home = await testHome()
  await home.json(['sign-in', '--server', server.url, '--password-stdin'], { input: 'pw' })
  await home.json(['space', 'add', 'Inbox'])
  await home.json(['note', 'add', '--space', 'Inbox', '--title', 'First', '--file', '-'], { input: 'text' })
  await home.json(['sync'])
  return { data, server, home }
}

describe('backup, restore, verify', () => {
  it('back up a running server, verify, restore elsewhere, verify', async () => {
    const { data, server, home } = await served()
    const destination = join(await scratchFolder(), 'backup')
    const vault = { name: 'main', head: expect.any(Number), segments: expect.any(Number), bytes: expect.any(Number), runs: 0 }
    expect(await home.json(['backup', '--data', data, destination], { now })).toEqual({
      path: destination,
      bytes: expect.any(Number),
      files: 0,
      fileBytes: 0,
      vaults: [vault],
    })
    expect(await home.json(['verify', destination])).toEqual({
      path: destination,
      kind: 'backup',
      damaged: false,
      vaults: [vault],
      dialects: {
        dataans: { operations: 0, operationBytes: 0, files: 0, fileBytes: 0 },
        difflog: { profiles: 0, rows: 0, bytes: 0 },
      },
      findings: [],
    })
    // The running server's own folder, by the settings that serve reads.
    const env = { LOCKSTEP_DATA: data }
    expect(await home.json(['verify'], { env })).toMatchObject({ path: data, kind: 'data', damaged: false })
    expect(await home.failure(['restore', destination, '--replace'], { env })).toMatchObject({ status: 1, code: 'folder-in-use' })
    await server.close()
    expect(await home.failure(['restore', destination], { env })).toMatchObject({ status: 1, code: 'has-database' })
    const restored = await home.json<{ movedTo: string }>(['restore', destination, '--replace'], { env, now })
    expect(restored).toEqual({ data, createdAt: now(), movedTo: expect.stringContaining('replaced-20260203T'), vaults: [vault] })
    expect(await home.json(['verify', restored.movedTo])).toMatchObject({ damaged: false })
    expect(await home.json(['verify', '--data', data])).toMatchObject({ damaged: false })
  })

  it('say what happened in sentences', async () => {
    const { data, server, home } = await served()
    const destination = join(await scratchFolder(), 'backup')
    expect(await home.text(['backup', '--data', data, destination])).toMatch(
      /^Backed up and verified: 1 vault, \d+ KB in .*backup\.\n$/,
    )
    expect(await home.text(['verify', destination])).toMatch(
      /^main: \d+ segments? up to \d+, 0 merged runs, .*\nThe backup in .* is complete\.\n$/,
    )
    await server.close()
    const text = await home.text(['restore', destination, '--data', data, '--replace'])
    expect(text).toMatch(
      /^Restored 1 vault as of [\d-]+ [\d:]+ to .*\.\nWhat was there is in .*\nDevices stay signed in: .*\n.*revoked.*\n$/,
    )
  })

  it('damage ends with status 1, one line for each finding, and what to do', async () => {
    const { data, server, home } = await served()
    const destination = join(await scratchFolder(), 'backup')
    await home.json(['backup', '--data', data, destination])
    await server.close()
    const db = new DatabaseSync(join(data, 'lockstep.db'))
    db.exec('UPDATE segments SET sealed = zeroblob(length(sealed)) WHERE last = 1')
    db.close()
    const found = await home.try(['verify', data])
    expect(found.status).toBe(1)
    expect(found.out).toMatch(/^main: .*\nDAMAGED: main: the bytes of segment 1 .*; stop the server and restore .*\n$/)
    expect(found.err).toMatch(/is damaged\.\n$/)
    const json = await home.try(['verify', data, '--json'])
    expect(json.status).toBe(1)
    expect(JSON.parse(json.out)).toMatchObject({ damaged: true, findings: [{ code: 'segment-altered', vault: 'main' }] })
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'damaged' } })

    expect(await home.failure(['backup', '--data', data, `${destination}2`])).toMatchObject({ status: 1, code: 'damaged' })
    appendFileSync(join(destination, 'SHA256SUMS'), 'x')
    const before = readdirSync(data)
    const damaged = await home.failure(['restore', destination, '--data', data, '--replace'])
    expect(damaged).toMatchObject({ status: 1, code: 'damaged', message: expect.stringContaining('SHA256SUMS') })
    expect(readdirSync(data)).toEqual(before)
  })

  it('what cannot be done is refused by name', async () => {
    const home = await testHome()
    const empty = await scratchFolder()
    expect(await home.failure(['backup', '--data', empty, join(empty, 'b')])).toMatchObject({ status: 1, code: 'no-database' })
    expect(await home.failure(['verify', empty])).toMatchObject({ status: 1, code: 'no-database' })
    expect(await home.failure(['restore', empty, '--data', join(empty, 'd')])).toMatchObject({ status: 1, code: 'not-a-backup' })
    expect(await home.failure(['backup'])).toMatchObject({ status: 2, code: 'bad-usage' })
    const { data } = await served()
    writeFileSync(join(empty, 'taken'), 'mine')
    expect(await home.failure(['backup', '--data', data, join(empty, 'taken')])).toMatchObject({
      status: 1,
      code: 'already-exists',
    })
    expect(readFileSync(join(empty, 'taken'), 'utf8')).toBe('mine')
  })

  it('a vault over its quota says who can do what, keeps the changes, and sends them when there is room', async () => {
    const { data, server, home } = await served()
    const port = Number(new URL(server.url).port)
    await server.close()
    const small = await serverOn(data, { port, quota: 100 })
    await home.json(['space', 'add', 'Second'])
    const refused = await home.failure(['sync'])
    expect(refused).toMatchObject({ status: 1, code: 'quota-exceeded' })
    expect(refused.message).toMatch(/100 bytes.*kept on this device.*serve --quota/)
    await small.close()
    await serverOn(data, { port })
    await home.json(['sync'])
    expect(await home.json(['status'])).toMatchObject({ state: 'synced', pending: 0 })
  })
})
