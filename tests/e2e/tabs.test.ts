/** Several tabs of one browser on one vault: one leads, any of them may go at any moment. */
import type { BrowserContext, Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage('tabs in Chromium', 'pages')

interface TabApi {
  ask(method: string, ...args: unknown[]): Promise<unknown>
  isLeader(): boolean
  notices(): readonly unknown[]
  type(id: string, letters: string): Promise<number>
}
type WithTab = typeof globalThis & { readonly tab: TabApi }

async function newTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${stage.url}/tab.html`)
  return page
}

const ask = <T>(page: Page, method: string, ...args: unknown[]): Promise<T> =>
  page.evaluate(([method, args]) => (globalThis as WithTab).tab.ask(method, ...args), [method, args] as const) as Promise<T>
const isLeader = (page: Page): Promise<boolean> => page.evaluate(() => (globalThis as WithTab).tab.isLeader())
const type = (page: Page, id: string, letters: string): Promise<number> =>
  page.evaluate(([id, letters]) => (globalThis as WithTab).tab.type(id, letters), [id, letters] as const)

async function newContext(): Promise<BrowserContext> {
  const context = await stage.newDevice()
  onTestFinished(() => context.close())
  return context
}

const textOf = async (page: Page, id: string): Promise<string> =>
  (await ask<{ text: string }[]>(page, 'notes', [id]))[0]?.text ?? ''

async function newNote(page: Page): Promise<string> {
  await ask(page, 'addSpace', { id: 'space', name: 'Space', now: 1 })
  return ask(page, 'addNote', { id: 'note', space: 'space', title: 'Note', text: '', now: 1 })
}

test.skipIf(!available)('two tabs see one vault; what is asked twice is done once; each hears of the other’s changes', async () => {
  const context = await newContext()
  const [first, second] = [await newTab(context), await newTab(context)]
  const id = await newNote(first)
  expect(await newNote(second)).toBe(id)
  expect(await ask(second, 'timeline', 'space')).toMatchObject({ step: { ids: 'note' } })
  expect([await isLeader(first), await isLeader(second)].filter(Boolean)).toHaveLength(1)
  await type(second, id, 'abc')
  expect(await textOf(first, id)).toBe('abc')
  for (const page of [first, second]) {
    const notices = await page.evaluate(() => (globalThis as WithTab).tab.notices())
    expect(notices).toContainEqual({ type: 'changed', tables: ['notes'], here: true })
  }
  await expect(ask(first, 'editNote', 'nothing', { title: 'x', now: 1 })).rejects.toThrow('there is no note "nothing"')
})

test.skipIf(!available)(
  'the leading tab is closed while both type: the other one leads, and no letter is lost or doubled',
  async () => {
    const context = await newContext()
    const tabs = [await newTab(context), await newTab(context), await newTab(context)]
    const id = await newNote(tabs[0] as Page)
    const leaders = await Promise.all(tabs.map(isLeader))
    const leader = tabs[leaders.indexOf(true)] as Page
    const others = tabs.filter((tab) => tab !== leader) as [Page, Page]
    const letters = 'abcdefghijklmnopqrstuvwxyz'.repeat(4)
    const work = [type(others[0], id, letters), type(others[1], id, letters.toUpperCase())]
    // The one that leads is closed once a part has been written.
    while ((await textOf(others[0], id)).length < 60) await new Promise((resolve) => setTimeout(resolve, 5))
    await leader.close()
    expect(await Promise.all(work)).toEqual([letters.length, letters.length])
    const text = await textOf(others[1], id)
    expect(text.replaceAll(/[A-Z]/g, '')).toBe(letters)
    expect(text.replaceAll(/[a-z]/g, '')).toBe(letters.toUpperCase())
    expect((await Promise.all(others.map(isLeader))).filter(Boolean)).toHaveLength(1)
    expect(stage.errors).toEqual([])
  },
)
