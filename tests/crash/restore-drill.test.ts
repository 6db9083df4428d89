/**
 * The drill of docs/self-hosting.md, with the command line: back up, go on working, lose the server, restore, move. Devices stay
 * signed in, notice, and send back what the backup lacks; a device that is signed in anew has everything.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { expect, onTestFinished, test } from 'vitest'
import { TestHome as Home } from '../../packages/cli/test/support/run.ts'

type Note = { readonly id: string; readonly title: string }

async function serve(data: string, port = 0): Promise<RunningServer> {
  const server = await startServer({ port, data, signUp: 'single' }, { log: () => {} })
  onTestFinished(() => server.close())
  return server
}

const titles = async (home: Home) => (await home.json<Note[]>(['note', 'list'])).map(({ title }) => title).sort()

test('[LOG-4] [LOG-9] a server is restored from a backup: devices stay signed in and bring back what it lacks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-drill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [data, backup] = [join(folder, 'data'), join(folder, 'backup')]
  const first = await serve(data)
  const port = Number(new URL(first.url).port)
  const laptop = new Home(join(folder, 'laptop'))
  const desktop = new Home(join(folder, 'desktop'))
  const { passphrase } = await laptop.json<{ passphrase: string }>(['sign-in', '--server', first.url, '--password-stdin'], {
    input: 'pw',
  })
  await laptop.text(['space', 'add', 'Inbox'])
  const add = async (home: Home, title: string) => {
    await home.json(['note', 'add', '--space', 'Inbox', '--title', title, '--file', '-'], { input: `text of ${title}` })
    await home.json(['sync'])
  }
  await add(laptop, 'before')
  await desktop.text(['sign-in', '--server', first.url, '--password-stdin', '--passphrase', passphrase], { input: 'pw' })
  await desktop.json(['sync'])

  await laptop.text(['backup', '--data', data, backup])
  await add(laptop, 'after, by the laptop')
  await add(desktop, 'after, by the desktop')
  await laptop.json(['sync'])
  await first.close()
  const { movedTo } = await laptop.json<{ movedTo: string }>(['restore', backup, '--data', data, '--replace'])
  await serve(data, port)

  const all = ['after, by the desktop', 'after, by the laptop', 'before']
  const said = await laptop.json<{ repaired: { segments: number }; problems: unknown[] }>(['sync'])
  expect(said.repaired.segments).toBeGreaterThan(0)
  for (const home of [desktop, laptop]) {
    await home.json(['sync'])
    expect(await titles(home)).toEqual(all)
    expect(await home.json(['status'])).toMatchObject({ state: 'synced', pending: 0 })
  }
  expect(await laptop.json(['verify', data])).toMatchObject({ damaged: false })
  expect(await laptop.json(['verify', movedTo])).toMatchObject({ damaged: false })

  const phone = new Home(join(folder, 'phone'))
  await phone.text(['sign-in', '--server', first.url, '--password-stdin', '--passphrase', passphrase], { input: 'pw' })
  await phone.json(['sync'])
  expect(await titles(phone)).toEqual(all)
})

test('[KEY-6] [LOG-4] a server moves to another machine and another address, and each device goes on there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-move-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const first = await serve(join(folder, 'data'))
  const laptop = new Home(join(folder, 'laptop'))
  const { passphrase } = await laptop.json<{ passphrase: string }>(['sign-in', '--server', first.url, '--password-stdin'], {
    input: 'pw',
  })
  await laptop.text(['space', 'add', 'Inbox'])
  await laptop.json(['note', 'add', '--space', 'Inbox', '--title', 'kept', '--file', '-'], { input: 'text' })
  await laptop.json(['sync'])
  await first.close()
  await laptop.text(['backup', '--data', join(folder, 'data'), join(folder, 'backup')])
  await laptop.text(['restore', join(folder, 'backup'), '--data', join(folder, 'moved')])
  const second = await serve(join(folder, 'moved'))
  await laptop.text(['sign-out'])
  await laptop.text(['sign-in', '--server', second.url, '--password-stdin', '--passphrase', passphrase], { input: 'pw' })
  await laptop.json(['note', 'add', '--space', 'Inbox', '--title', 'new', '--file', '-'], { input: 'text' })
  const { uploaded, downloaded } = await laptop.json<Record<'uploaded' | 'downloaded', { segments: number }>>(['sync'])
  expect([uploaded.segments, downloaded.segments]).toEqual([1, 0])
  expect(await titles(laptop)).toEqual(['kept', 'new'])
})
