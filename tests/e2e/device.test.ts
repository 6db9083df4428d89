/** The engine in a real browser: a worker, the browser's storage, a real server, and a device on Node beside it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDevice } from '@lockstep/engine/platform/node/device'
import { addNote, findNote, listNotes } from '@lockstep/model/notes'
import { schema } from '@lockstep/model/schema'
import { expect, onTestFinished, test } from 'vitest'
import { startServer } from './app-stage.ts'
import type { BrowserWorker } from './chromium.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage('the engine in Chromium', 'pages')
const VAULT = 'main'
const PASSWORD = 'correct horse battery staple'

interface NoteSummary {
  readonly id: string
  readonly title: string
}

/** Asks again until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** A worker that was ended lets go of the files a moment later. */
async function openAfter(worker: BrowserWorker): Promise<void> {
  await until(() =>
    worker.ask('open', 'one', 'browser').then(
      () => true,
      (error: Error) => {
        if (error.message.includes('DriverError busy')) return false
        throw error
      },
    ),
  )
}

async function newWorker(name: string) {
  const context = await stage.newDevice()
  onTestFinished(() => context.close())
  const page = await stage.newPage(context)
  return { context, page, worker: await stage.startWorker(page, name, 'device') }
}

async function nodeDevice() {
  const home = mkdtempSync(join(tmpdir(), 'lockstep-home-'))
  const device = await openDevice({ home, schema })
  onTestFinished(async () => {
    await device.close()
    rmSync(home, { recursive: true, force: true })
  })
  return device
}

test.skipIf(!available)(
  '[SYNC-3] [KEY-1] a browser makes a vault, a device on Node joins it, and each has what the other wrote',
  async () => {
    const server = await startServer(stage)
    const { worker, page } = await newWorker('first')
    await worker.ask('open', 'one', 'browser')
    const { passphrase } = await worker.ask<{ passphrase: string }>('signIn', {
      server: stage.url,
      vault: VAULT,
      password: PASSWORD,
      deviceName: 'browser',
      intent: 'create',
    })
    const space = await worker.ask<string>('addSpace', 'Café 😀')
    const id = await worker.ask<string>('addNote', space, 'From the browser', 'one two three\n')
    await worker.ask('sync')

    const laptop = await nodeDevice()
    await laptop.signIn({
      server: server.url,
      vault: VAULT,
      password: PASSWORD,
      passphrase,
      deviceName: 'laptop',
      intent: 'join',
      passwordOnly: false,
    })
    await laptop.sync()
    expect(findNote(laptop.vault, id).text).toBe('one two three\n')
    addNote(laptop.vault, { space, title: 'From the laptop', text: 'a word that is sought: zebra\n', now: 1 })
    await laptop.sync()
    await worker.ask('sync')
    expect(await worker.ask('search', 'zebra')).toEqual({ titles: ['From the laptop'], backlog: 0 })
    expect(listNotes(laptop.vault).map((note) => note.id)).toEqual(
      (await worker.ask<NoteSummary[]>('notes')).map((note) => note.id),
    )

    // Another worker of the same page, after this one has been killed: everything is there, signed in as before.
    await worker.kill()
    const next = await stage.startWorker(page, 'second', 'device')
    await openAfter(next)
    expect((await next.ask<NoteSummary[]>('notes')).map(({ title }) => title).sort()).toEqual([
      'From the browser',
      'From the laptop',
    ])
    await next.ask('addNote', space, 'After a restart', 'four\n')
    await next.ask('sync')
    await laptop.sync()
    expect(listNotes(laptop.vault)).toHaveLength(3)
    expect(stage.errors).toEqual([])
  },
)

test.skipIf(!available)('a worker that is killed while it writes loses nothing that it said was stored', async () => {
  const { worker, page } = await newWorker('typing')
  await worker.ask('open', 'one', 'browser')
  const space = await worker.ask<string>('addSpace', 'Typing')
  const id = await worker.ask<string>('addNote', space, 'Typed', '')
  const typing = worker.ask('type', id, 100_000)
  typing.catch(() => {})
  await until(async () => ((await worker.committed()) ?? 0) > 50)
  await worker.kill()
  const said = (await worker.committed()) as number
  const next = await stage.startWorker(page, 'reader', 'device')
  await openAfter(next)
  const lines = (await next.ask<string>('text', id)).split('\n').slice(0, -1)
  expect(lines).toEqual(lines.map((_, i) => String(i)))
  expect(lines.length).toBeGreaterThan(said)
  expect(
    (await next.ask<{ verdict: string }[]>('check')).filter(({ verdict }) => verdict === 'problem' || verdict === 'healed'),
  ).toEqual([])
})

test.skipIf(!available)('a vault that an earlier version left with a rollback journal opens with everything in it', async () => {
  const { worker, page } = await newWorker('earlier')
  await worker.ask('open', 'one', 'browser')
  const space = await worker.ask<string>('addSpace', 'Kept')
  await worker.ask('addNote', space, 'Kept', 'an okapi\n')
  expect(await worker.ask('search', 'okapi')).toEqual({ titles: ['Kept'], backlog: 0 })
  await worker.ask('close')
  expect(await worker.ask('toRollbackJournal', 'one')).toEqual(['wal', 'wal'])
  await worker.ask('open', 'one', 'browser')
  await worker.ask('addNote', space, 'Later', 'another okapi\n')
  // Killed with a log that is not in the database yet.
  await worker.kill()
  const next = await stage.startWorker(page, 'later', 'device')
  await openAfter(next)
  expect((await next.ask<{ titles: string[] }>('search', 'okapi')).titles.sort()).toEqual(['Kept', 'Later'])
  await next.ask('close')
  expect(await next.ask('toRollbackJournal', 'one')).toEqual(['wal', 'wal'])
})

test.skipIf(!available)(
  'a second worker on one vault is told that it is open elsewhere; signing out with wipe leaves nothing',
  async () => {
    await startServer(stage)
    const { worker, page } = await newWorker('owner')
    await worker.ask('open', 'one', 'browser')
    const other = await stage.startWorker(page, 'late', 'device')
    await expect(other.ask('open', 'one', 'browser')).rejects.toThrow('DriverError busy: this vault is open in another tab')
    await worker.ask('signIn', { server: stage.url, vault: VAULT, password: PASSWORD, deviceName: 'b', intent: 'create' })
    await worker.ask('addSpace', 'Soon gone')
    await worker.ask('signOut', true)
    await other.ask('open', 'one', 'browser')
    expect(await other.ask('spaces')).toEqual([])
    expect(await other.ask('status')).toMatchObject({ state: 'local' })
  },
)

test.skipIf(!available)('in memory a device works and leaves nothing behind', async () => {
  const { worker, page } = await newWorker('brief')
  await worker.ask('open', 'one', 'memory')
  const space = await worker.ask<string>('addSpace', 'Brief')
  await worker.ask('addNote', space, 'Brief', 'a quagga\n')
  expect(await worker.ask('search', 'quagga')).toEqual({ titles: ['Brief'], backlog: 0 })
  await worker.kill()
  const next = await stage.startWorker(page, 'after', 'device')
  await next.ask('open', 'one', 'memory')
  expect(await next.ask('notes')).toEqual([])
})
