/** Taking notes out of the app and bringing them in, as files and from the servers of other apps. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readZip } from '@lockstep/import/zip-tree'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { testHome } from '../../packages/cli/test/support/run.ts'
import * as dataans from '../../packages/import/test/support/dataans-server.ts'
import { readTree } from '../../packages/import/test/tree.ts'
import { syncNow } from './account-steps.ts'
import { closeDialog, composer, newDevice, note, PASSWORD, signUp, startServer, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'
import { allPayloads } from './hostile/payloads.ts'
import { setTripwires } from './hostile/tripwires.ts'
import { dataansExport, difflogSite, oneAddress, passTo, zipOf } from './transfer-sources.ts'

const { available, stage } = fileStage('export and import in the app')

const ONE_MIB = 1024 * 1024

/** A browser whose exports are downloads. */
async function device(options?: BrowserContextOptions): Promise<BrowserContext> {
  const context = await newDevice(stage, options)
  await context.addInitScript(() => {
    Object.defineProperty(globalThis, 'showSaveFilePicker', { value: undefined })
  })
  return context
}

async function command(page: Page, name: string): Promise<void> {
  // Before the page has come nobody hears a key.
  await composer(page).waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Commands' }).fill(name)
  await page.getByRole('option', { name }).first().click()
  await page.getByRole('tabpanel').waitFor()
}

const openImport = (page: Page) => command(page, 'Import notes')
const files = (page: Page) => page.locator('input[type=file]:not([webkitdirectory])')
const folder = (page: Page) => page.locator('input[webkitdirectory]')
const report = (page: Page) => page.locator('.report')

/** @returns the text of the report */
async function importing(page: Page, name: string, choose: () => Promise<void>): Promise<string> {
  await choose()
  await page.getByRole('heading', { name: `“${name}” is imported` }).waitFor()
  return report(page).innerText()
}

async function exported(page: Page, format: RegExp, space = 'Everything'): Promise<Buffer> {
  await command(page, 'Export notes')
  await page.getByRole('combobox', { name: 'What' }).selectOption(space)
  await page.getByRole('radio', { name: format }).check()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export', exact: true }).click(),
  ])
  await page.getByRole('heading', { name: 'is exported' }).waitFor()
  await closeDialog(page)
  return readFile(await download.path())
}

async function filesOf(zip: Buffer): Promise<Record<string, string>> {
  const { files } = await readZip('zip', new Blob([new Uint8Array(zip)]))
  const read = files.map(async (file) => [file.path, Buffer.from(await file.read(4 * ONE_MIB)).toString('hex')] as const)
  return Object.fromEntries(await Promise.all(read))
}

async function scratch(tree: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), 'lockstep-transfer-'))
  onTestFinished(() => rm(top, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(dirname(join(top, path)), { recursive: true })
    await writeFile(join(top, path), content)
  }
  return top
}

test.skipIf(!available)(
  'a zip holds byte for byte what the CLI exports from the same vault, and a fresh browser takes it, once; JSON comes back as it was',
  async () => {
    const server = await startServer(stage)
    const tree = await scratch({
      'tree/Work/plan.md': '# Plan\r\nwith \ufeff odd ends\r',
      'tree/Work/deep/er/ünï.md': 'no heading',
      'tree/top.MD': '\ufeff# Top',
    })
    const page = await stage.newPage(await device())
    await page.getByRole('button', { name: 'Or bring your notes in' }).click()
    const told = await importing(page, 'tree', () => folder(page).setInputFiles(join(tree, 'tree')))
    expect(told).toContain('3 notes added, 0 updated, 0 unchanged.')
    await closeDialog(page)
    for (const text of ['# Same title', '# Same title', 'no title\n\n1. list']) await write(page, text)
    await note(page, 'no title').waitFor()
    const passphrase = await signUp(page)
    await syncNow(page)
    await closeDialog(page)

    const home = await testHome()
    const words = ['--vault', 'main', '--passphrase', passphrase]
    await home.text(['sign-in', '--server', server.url, '--password-stdin', ...words], { input: PASSWORD })
    await home.text(['sync'])
    const dest = join(await scratch(), 'cli')
    await home.text(['export', 'markdown', dest])
    const zip = await exported(page, /Markdown/)
    const inZip = await filesOf(zip)
    expect(inZip).toEqual(await readTree(dest))
    expect(Object.keys(inZip)).toHaveLength(6)

    const other = await stage.newPage(await device())
    await openImport(other)
    const archive = { name: 'Archive.zip', mimeType: 'application/zip', buffer: zip }
    const first = await importing(other, 'Archive', () => files(other).setInputFiles(archive))
    expect(first).toContain('6 notes added')
    await closeDialog(other)
    expect(await filesOf(await exported(other, /Markdown/))).toEqual(inZip)
    await openImport(other)
    const again = await importing(other, 'Archive', () => files(other).setInputFiles(archive))
    expect(again).toContain('0 notes added, 0 updated, 6 unchanged.')
    await closeDialog(other)

    const json = await exported(page, /JSON/)
    await home.text(['export', 'json', join(dest, '..', 'json')])
    const dated = (text: string) => text.replace(/"exportedAt": \d+/, '')
    expect(dated(json.toString())).toBe(dated(await readFile(join(dest, '..', 'json', 'lockstep.json'), 'utf8')))
    const third = await stage.newPage(await device())
    await openImport(third)
    const document = { name: 'vault.json', mimeType: 'application/json', buffer: json }
    await importing(third, 'vault.json', () => files(third).setInputFiles(document))
    await closeDialog(third)
    expect(dated((await exported(third, /JSON/)).toString())).toBe(dated(json.toString()))
    // One space of them, from the device that has them all.
    expect(Object.keys(await filesOf(await exported(third, /Markdown/, 'Work'))).sort()).toEqual([
      'Work/Same title (2).md',
      'Work/Same title.md',
      'Work/deep/er/ünï.md',
      'Work/no title.md',
      'Work/plan.md',
    ])
    expect(stage.errors).toEqual([])
  },
)

test.skipIf(!available)(
  'a bad file is refused by name and the rest goes on; what changed is updated; the report is copied; an import is taken back',
  async () => {
    const context = await device({ permissions: ['clipboard-read', 'clipboard-write'] })
    const page = await stage.newPage(context)
    const top = await scratch({
      'notes/A/one.md': '# One',
      'notes/A/bad.md': Uint8Array.of(0xff, 0xfe),
      'notes/B/two.md': '# Two',
      'notes/B/p.png': 'x',
    })
    await openImport(page)
    const told = await importing(page, 'notes', () => folder(page).setInputFiles(join(top, 'notes')))
    expect(told).toContain('2 notes added')
    expect(told).toContain('A/bad.md is not UTF-8 text.')
    expect(told).toContain('Left out: 1 other file.')
    await page.getByRole('button', { name: 'Copy report' }).click()
    await page.getByText('The report is copied.').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('A/bad.md is not UTF-8 text.')
    await writeFile(join(top, 'notes/A/one.md'), '# One, changed')
    await folder(page).setInputFiles(join(top, 'notes'))
    await page.getByText('0 notes added, 1 updated, 1 unchanged.').waitFor()
    await closeDialog(page)
    await note(page, 'One, changed').waitFor()
    await openImport(page)
    const single = { name: 'three.md', mimeType: 'text/markdown', buffer: Buffer.from('# Three') }
    await importing(page, 'Notes', () => files(page).setInputFiles(single))
    await page.getByRole('button', { name: 'Take it back' }).click()
    await page.getByText('1 added note is in the trash').waitFor()
    for (const [name, buffer, why] of [
      ['broken.zip', Buffer.from('no zip'), 'no zip archive'],
      ['other.json', Buffer.from('{}'), 'no export of Lockstep or of Dataans'],
    ] as const) {
      await files(page).setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
      await report(page).filter({ hasText: why }).waitFor()
    }
    expect(stage.errors).toEqual([])
  },
)

test.skipIf(!available)('[G17] what is dropped on it is imported, and hostile notes stay texts', async () => {
  const context = await device()
  const { tripped } = await setTripwires(context, stage.url)
  const page = await stage.newPage(context)
  await openImport(page)
  const payloads = allPayloads()
    .map(({ text }) => text.toWellFormed())
    .filter((_, i) => i % 25 === 0)
  const entries = payloads.map((data, i) => ({ name: `<img src=x onerror=trip()>/${i} <script>trip()<.md`, data }))
  const zip = [...(await zipOf([...entries, { name: '../<svg onload=trip()>.md', data: 'x' }]))]
  const dropped = await page.evaluateHandle((bytes) => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([Uint8Array.from(bytes)], 'hostile.zip'))
    return transfer
  }, zip)
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: dropped })
  await page.getByRole('heading', { name: '“hostile” is imported' }).waitFor()
  expect(await report(page).innerText()).toContain(`${payloads.length} notes added`)
  await closeDialog(page)
  await page.getByRole('article').first().waitFor()
  expect(tripped).toEqual([])
  expect(stage.errors).toEqual([])
})

test.skipIf(!available)(
  'writing goes on while much is imported; the tab that did it dies, another goes on, and every note is there once',
  async () => {
    const context = await device()
    const leader = await stage.newPage(context)
    await write(leader, 'before')
    await note(leader, 'before').waitFor()
    const page = await stage.newPage(context)
    await note(page, 'before').waitFor()
    const count = 1500
    const buffer = await zipOf(Array.from({ length: count }, (_, i) => ({ name: `Many/${i}.md`, data: `# Note ${i}` })))
    await openImport(page)
    await files(page).setInputFiles({ name: 'much.zip', mimeType: 'application/zip', buffer })
    await page.getByText(/^Importing: \d/).waitFor()
    await leader.close()
    await closeDialog(page)
    await write(page, 'meanwhile')
    await note(page, 'meanwhile').waitFor()
    await openImport(page)
    await page.getByRole('heading', { name: '“much” is imported' }).waitFor()
    expect(await report(page).innerText()).toContain('it was begun again')
    await closeDialog(page)
    await page.getByRole('button', { name: /Many.*1,500 notes/ }).waitFor()
    await openImport(page)
    await files(page).setInputFiles({ name: 'much.zip', mimeType: 'application/zip', buffer })
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByRole('heading', { name: '“much” was stopped' }).waitFor()
    expect(stage.errors).toEqual([])
  },
)

test.skipIf(!available)('an export goes where the person wants it; who wants it nowhere gets none', async () => {
  const context = await newDevice(stage)
  await context.addInitScript(() => {
    const picker = async ({ suggestedName }: { readonly suggestedName: string }) => {
      if (suggestedName.endsWith('.json')) throw new DOMException('not now', 'AbortError')
      return (await navigator.storage.getDirectory()).getFileHandle('chosen.zip', { create: true })
    }
    Object.defineProperty(globalThis, 'showSaveFilePicker', { value: picker })
  })
  const page = await stage.newPage(context)
  await write(page, '# To a file')
  await note(page, 'To a file').waitFor()
  await command(page, 'Export notes')
  await page.getByRole('radio', { name: /JSON/ }).check()
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await page.getByRole('radio', { name: /Markdown/ }).check()
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await page.getByRole('heading', { name: '“chosen.zip” is exported' }).waitFor()
  expect(await report(page).count()).toBe(1)
  const bytes = await page.evaluate(async () => {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle('chosen.zip')
    return [...new Uint8Array(await (await handle.getFile()).arrayBuffer())]
  })
  expect(await filesOf(Buffer.from(bytes))).toEqual({ 'Notes/To a file.md': Buffer.from('# To a file').toString('hex') })
  expect(stage.errors).toEqual([])
})

test.skipIf(!available)(
  'from Dataans by its export and by its server, from diff·log by its server, where they are at the app’s own address',
  async () => {
    const site = difflogSite('First paragraph.\n\nSecond.')
    const space = '00000000-0000-4000-8000-000000000001'
    const there = await dataans.dataansServer([
      dataans.operation('CreateSpace', dataans.space(space, 'From the server', space, 1), { at: 1 }),
      dataans.operation('CreateNote', dataans.note(space.replace(/1$/, '5'), '# Sealed there', space, 2), { at: 2 }),
    ])
    onTestFinished(() => there[Symbol.asyncDispose]())
    const toDataans = passTo(there.url)
    const address = await oneAddress(stage.url, {
      '/api/': site.handle,
      '/user': toDataans,
      '/data/': toDataans,
      '/file/': toDataans,
    })
    const page = await (await device()).newPage()
    await page.goto(address)
    await openImport(page)
    const exported = { name: 'dataans.json', mimeType: 'application/json', buffer: Buffer.from(dataansExport(['# One', 'two'])) }
    const told = await importing(page, 'dataans.json', () => files(page).setInputFiles(exported))
    expect(told).toContain('2 notes added')
    expect(told).toContain('1 refused:')

    await page.getByText('From an app’s server').click()
    await page.getByRole('radio', { name: 'diff·log' }).check()
    await page.getByRole('textbox', { name: 'Profile' }).fill(site.profile)
    await page.getByLabel('Password', { exact: true }).fill('wrong')
    await page.getByRole('button', { name: 'Import from here' }).click()
    await report(page).filter({ hasText: 'not the password of this profile' }).waitFor()
    await page.getByLabel('Password', { exact: true }).fill(site.password)
    await page.getByRole('button', { name: 'Import from here' }).click()
    await report(page).filter({ hasText: 'Diffs: 1 added' }).filter({ hasText: 'Stars: 1 added' }).waitFor()

    await page.getByRole('radio', { name: 'Dataans' }).check()
    await page.getByLabel('Password', { exact: true }).fill(dataans.PASSWORD)
    await page.getByLabel('Passphrase', { exact: true }).fill(dataans.PASSPHRASE)
    await page.getByRole('button', { name: 'Import from here' }).click()
    await report(page).filter({ hasText: '1 note added' }).waitFor()
    await closeDialog(page)
    await page.getByRole('button', { name: /From the server/ }).click()
    await note(page, 'Sealed there').waitFor()
  },
)
