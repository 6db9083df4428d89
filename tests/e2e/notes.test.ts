/** The notes themselves, as people use them: finding, keys, spaces, the timeline, writing, history. */
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { composer, newDevice, note, openNew, write } from './app-stage.ts'
import { silentFileStage } from './file-stage.ts'
import { type HoldingPage, heldDevice, holdOnly } from './held-worker.ts'
import { askHost } from './host-channel.ts'

const { available, stage } = silentFileStage('notes in the web app in Chromium')

const open = async (options?: BrowserContextOptions): Promise<Page> => openNew(stage, await newDevice(stage, options))

/** A space of its own with so many notes, made without typing them all: "note 0" is the oldest. */
async function fill(page: Page, count: number, more: (i: number) => string = () => ''): Promise<void> {
  await askHost(page, [['addSpace', { id: 'filled', name: 'Filled', now: 1 }]])
  const texts = Array.from({ length: count }, (_, i) => `note ${i}${more(i)}`)
  await askHost(
    page,
    texts.map((text, i) => ['addNote', { id: `filled${i}`, space: 'filled', title: text, text, now: i + 1 }] as const),
  )
}

const space = (page: Page, name: string) => page.getByRole('navigation', { name: 'Spaces' }).getByRole('button', { name })
/** The name of what has the focus, once it is this one. */
const focused = (page: Page, name: string) =>
  page.waitForFunction((name) => document.activeElement?.getAttribute('aria-label')?.startsWith(name), name)
/** From the newest note of those that `fill` made to an older one, by the arrow. */
async function goUp(page: Page, from: number, to: number): Promise<void> {
  await page.keyboard.press('Alt+l')
  await focused(page, `note ${from}`)
  for (let i = from - 1; i >= to; i--) {
    await page.keyboard.press('ArrowUp')
    await focused(page, `note ${i}`)
  }
}
const inView = (page: Page, text: string) =>
  page.waitForFunction((text) => {
    const timeline = document.querySelector('.timeline')?.getBoundingClientRect()
    const cards = [...document.querySelectorAll('.note')].filter(
      (card) => card.querySelector('.markdown')?.textContent?.trim() === text,
    )
    const box = cards[0]?.getBoundingClientRect()
    return timeline !== undefined && box !== undefined && box.top >= timeline.top - 1 && box.bottom <= timeline.bottom + 1
  }, text)

describe.skipIf(!available)('finding', () => {
  test('a note that was found is jumped to in the middle of many, marked, and has the focus', async () => {
    const page = await open()
    await fill(page, 120, (i) => (i === 47 ? '\n\nthe needle' : i % 3 === 0 ? `\n\n${'long '.repeat(200)}` : ''))
    await page.keyboard.press('Control+f')
    await page.getByRole('searchbox').pressSequentially('needl')
    await page.locator('.result mark').filter({ hasText: 'needle' }).first().waitFor()
    await page.getByRole('button', { name: /note 47/ }).click()
    await focused(page, 'note 47')
    await page.locator('.note.marked').filter({ hasText: 'the needle' }).waitFor()
    await page.waitForFunction(() => {
      const timeline = document.querySelector('.timeline')?.getBoundingClientRect()
      const box = document.activeElement?.getBoundingClientRect()
      return timeline !== undefined && box !== undefined && box.top >= timeline.top && box.bottom <= timeline.bottom
    })
    await page.waitForFunction(() => document.querySelector('.note.marked') === null)
  })

  test('a search within a space finds what is in it, and goes on to all of them', async () => {
    const page = await open()
    await write(page, 'apples here')
    await note(page, 'apples here').waitFor()
    await fill(page, 3, () => ' with apples')
    await space(page, 'Filled').click()
    await page.getByRole('heading', { name: 'Filled' }).waitFor()
    await page.keyboard.press('Control+m')
    await page.getByRole('searchbox', { name: 'Search in “Filled”' }).fill('apple')
    await page.locator('.result').nth(2).waitFor()
    expect(await page.locator('.result').count()).toBe(3)
    await page.getByRole('button', { name: 'All spaces' }).click()
    await page.getByRole('searchbox', { name: 'Search notes' }).fill('apple')
    await page.locator('.result').nth(3).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.locator('.note:focus').waitFor()
  })
})

describe.skipIf(!available)('keys', () => {
  test('the palette runs commands, goes to spaces and to notes', async () => {
    const page = await open()
    await write(page, 'buy tomatoes')
    await note(page, 'buy tomatoes').waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Commands' }).fill('new sp')
    await page.keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Name of the space' }).fill('Garden')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Garden' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Commands' }).fill('tomat')
    await page.getByRole('option', { name: /buy tomatoes/ }).waitFor()
    await page.keyboard.press('Enter')
    await focused(page, 'buy tomatoes')
    await page.getByRole('heading', { name: 'Notes' }).waitFor()
  })

  test('Dataans’ keys: spaces bar, edit space, previous and next space; `?` shows them all, but is a letter while writing', async () => {
    const page = await open()
    await askHost(page, [
      ['addSpace', { id: 'a', name: 'Alpha', now: 1 }],
      ['addSpace', { id: 'b', name: 'Beta', now: 1 }],
    ])
    await page.getByRole('heading', { name: 'Alpha' }).waitFor()
    await space(page, 'Beta').waitFor()
    await page.keyboard.press('Alt+2')
    await page.getByRole('heading', { name: 'Beta' }).waitFor()
    await page.keyboard.press('Alt+1')
    await page.getByRole('heading', { name: 'Alpha' }).waitFor()
    await page.keyboard.press('Control+s')
    await space(page, 'Alpha').waitFor({ state: 'hidden' })
    await page.reload()
    await page.getByRole('heading', { name: 'Alpha' }).waitFor()
    await space(page, 'Alpha').waitFor({ state: 'hidden' })
    await page.keyboard.press('Control+s')
    await space(page, 'Alpha').waitFor()
    await page.keyboard.press('Alt+w')
    await composer(page).pressSequentially('why?')
    expect(await composer(page).inputValue()).toBe('why?')
    await page.getByRole('heading', { name: 'Alpha' }).click()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  })

  test('a command gets other keys, not those of another one, and keeps them', async () => {
    const page = await open()
    await page.keyboard.press('?')
    await page.getByRole('button', { name: 'Change the keys of “Trash”' }).click()
    await page.keyboard.press('Control+f')
    await page.getByText('Ctrl + F is already “Search everything”.').waitFor()
    await page.keyboard.press('Alt+t')
    await page.getByRole('button', { name: 'Change the keys of “Trash”: Alt + T' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.reload()
    await page.getByText('Write the first note').waitFor()
    await page.keyboard.press('Alt+t')
    await page.getByRole('dialog', { name: 'Trash' }).waitFor()
  })
})

describe.skipIf(!available)('spaces', () => {
  test('get another name and a picture, go and come back with their notes', async () => {
    const page = await open()
    await write(page, 'a thought')
    await note(page, 'a thought').waitFor()
    await page.keyboard.press('Control+e')
    await page.getByRole('textbox', { name: 'Name of the space' }).fill('Thoughts')
    await page.getByRole('textbox', { name: /Picture/ }).fill('🌱 plant')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('heading', { name: 'Thoughts' }).waitFor()
    expect(await page.locator('.space .avatar').textContent()).toBe('🌱')
    await space(page, 'Thoughts').getByText('1 note').waitFor({ state: 'attached' })
    await page.locator('.bar').getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Delete this space' }).click()
    await space(page, 'Thoughts').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await space(page, 'Thoughts').waitFor()
    await note(page, 'a thought').waitFor()
  })

  test('on a narrow screen they are a drawer that takes the focus and gives it back', async () => {
    const page = await open({ viewport: { width: 320, height: 640 } })
    await write(page, 'small')
    await note(page, 'small').waitFor()
    await space(page, 'Notes').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Show spaces' }).click()
    await page.waitForFunction(() => document.activeElement?.classList.contains('space'))
    expect(await page.locator('main').evaluate((main) => (main as HTMLElement).inert)).toBe(true)
    await page.keyboard.press('Escape')
    await focused(page, 'Show spaces')
    await space(page, 'Notes').waitFor({ state: 'hidden' })
    // What is opened from it is not over it.
    for (const name of [/^Trash/, /Version/]) {
      await page.getByRole('button', { name: 'Show spaces' }).click()
      await page.getByRole('button', { name }).click()
      await page.getByRole('dialog').waitFor()
      await space(page, 'Notes').waitFor({ state: 'hidden' })
      await page.keyboard.press('Escape')
      await focused(page, 'Show spaces')
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
  })
})

describe.skipIf(!available)('the timeline', () => {
  test('begins at the end, stays there as notes come, and stays where it is read', async () => {
    const page = await open()
    await fill(page, 80, (i) => (i % 4 === 0 ? `\n\n${'tall '.repeat(150)}` : ''))
    await inView(page, 'note 79')
    await write(page, 'one more')
    await inView(page, 'one more')
    const box = page.locator('.timeline')
    await box.evaluate((timeline) => timeline.scrollTo(0, timeline.scrollHeight / 2))
    await page.locator('.placeholder').first().waitFor({ state: 'detached' })
    // All notes have come, and frames were drawn with them.
    const seen = () =>
      page.evaluate(async () => {
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
        do for (let i = 0; i < 10; i++) await frame()
        while (document.querySelector('.placeholder') !== null)
        const top = document.querySelector('.timeline')?.getBoundingClientRect().top ?? 0
        const card = [...document.querySelectorAll('.note')].find((card) => card.getBoundingClientRect().top >= top)
        return { id: card?.getAttribute('data-note'), top: Math.round(card?.getBoundingClientRect().top ?? 0) }
      })
    let before = await seen()
    // Heights are settled once two looks say the same.
    for (let after = await seen(); JSON.stringify(before) !== JSON.stringify(after); after = await seen()) before = after
    await askHost(page, [['addNote', { id: 'late', space: 'filled', title: 'late', text: 'late', now: 1000 }]])
    await space(page, 'Filled').getByText('82 notes').waitFor({ state: 'attached' })
    expect(await seen()).toEqual(before)
  })

  test('what is read moves as it is scrolled and no further, however late the notes above it come', async () => {
    const page = await openNew(stage, await heldDevice(stage))
    await fill(page, 60, () => `\n\n${'tall '.repeat(150)}`)
    await page.locator('.note').filter({ hasText: 'note 59' }).waitFor()
    await goUp(page, 59, 45)
    await holdOnly(page, 'notes')
    // As a finger does it, frame by frame; those notes come in the middle of it.
    const moved = await page.evaluate(async () => {
      const box = document.querySelector('.timeline') as HTMLElement
      const read = document.activeElement as HTMLElement
      const top = read.getBoundingClientRect().top
      let scrolled = 0
      const scroll = async (isDone: (frame: number) => boolean) => {
        for (let frame = 0; !isDone(frame); frame++, scrolled += 2) {
          box.scrollTop -= 2
          await new Promise((resolve) => requestAnimationFrame(resolve))
        }
      }
      await scroll(() => document.querySelectorAll('.placeholder').length >= 3)
      await scroll((frame) => frame > 5)
      ;(globalThis as HoldingPage).holding.letGo()
      await scroll(() => document.querySelector('.placeholder') === null)
      await scroll((frame) => frame > 5)
      return read.getBoundingClientRect().top - top - scrolled
    })
    expect(Math.abs(moved)).toBeLessThanOrEqual(1)
  })

  test('is gone through with the arrows; Enter edits, Delete deletes with an undo, letters copy and pin', async () => {
    const page = await open()
    await fill(page, 40)
    await inView(page, 'note 39')
    await goUp(page, 39, 20)
    await inView(page, 'note 20')
    await page.keyboard.press('Home')
    await focused(page, 'note 0')
    await page.keyboard.press('p')
    const pinned = page.getByRole('navigation', { name: 'Pinned notes' })
    await pinned.getByRole('button', { name: 'note 0' }).waitFor()
    await page.keyboard.press('End')
    await focused(page, 'note 39')
    await page.keyboard.press('Delete')
    await note(page, 'note 39').waitFor({ state: 'detached' })
    await focused(page, 'note 38')
    await page.getByRole('button', { name: 'Undo' }).click()
    await note(page, 'note 39').waitFor()
    await pinned.getByRole('button', { name: 'note 0' }).click()
    await focused(page, 'note 0')
    await inView(page, 'note 0')
    await page.keyboard.press('Enter')
    await page.locator('.cm-content').pressSequentially(' changed')
    await page.keyboard.press('Escape')
    await focused(page, 'note 0 changed')
  })
})

describe.skipIf(!available)('writing', () => {
  test('lists and quotes go on, lines are indented, a block of code is offered its language', async () => {
    const page = await open()
    await write(page, 'begin')
    await note(page, 'begin').waitFor()
    await page.keyboard.press('Alt+l')
    await focused(page, 'begin')
    await page.keyboard.press('Enter')
    const editor = page.locator('.cm-content')
    await editor.waitFor()
    await page.keyboard.type('\n- one\ntwo\n')
    await page.keyboard.press('Tab')
    await page.keyboard.type('inner')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.keyboard.type('> said\nmore')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.keyboard.type('```typesc')
    await page.getByRole('option', { name: 'typescript' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.type('\nlet x = 1')
    const lines = await page.locator('.cm-line').allTextContents()
    expect(lines.slice(0, 4)).toEqual(['begin', '- one', '- two', '  - inner'])
    expect(lines).toContain('> said')
    expect(lines).toContain('> more')
    expect(lines.slice(-2)).toEqual(['```typescript', 'let x = 1'])
    await page.keyboard.press('Control+Enter')
    await page.locator('.markdown .hljs-keyword').filter({ hasText: 'let' }).waitFor()
  })

  test('the composer goes on with lists and quotes as well, takes it back with undo, and lets Tab out', async () => {
    const page = await open()
    await composer(page).focus()
    await page.keyboard.type('Shopping')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.type('\n- [ ] milk\nbread')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.type('brown')
    expect(await composer(page).inputValue()).toBe('Shopping\n- [ ] milk\n- [ ] bread\n  - [ ] brown')
    for (let i = 0; i < 3; i++) await page.keyboard.press('Enter')
    await page.keyboard.type('> said')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Control+b')
    await page.keyboard.type('loud')
    const written = 'Shopping\n- [ ] milk\n- [ ] bread\n  - [ ] brown\n> said\n> **loud**'
    expect(await composer(page).inputValue()).toBe(written)
    // Step by step, however many the browser makes of it.
    while ((await composer(page).inputValue()) !== written.replace('**loud**', '')) await page.keyboard.press('Control+z')
    while ((await composer(page).inputValue()) !== written) await page.keyboard.press('Control+Shift+z')
    await page.keyboard.press('Control+Enter')
    await note(page, 'Shopping').locator('li.task').filter({ hasText: 'brown' }).first().waitFor()
    expect(await composer(page).inputValue()).toBe('')
  })

  test('Escape right after a letter ends editing, also where the list of languages has nothing left to offer', async () => {
    const page = await open()
    await write(page, 'begin')
    await note(page, 'begin').waitFor()
    const edit = async () => {
      await page.keyboard.press('Alt+l')
      await focused(page, 'begin')
      await page.keyboard.press('Enter')
      await page.locator('.cm-content:focus').waitFor()
    }
    // A list that was quicker than the key takes the first Escape, as it should.
    await page.evaluate(() => {
      const shown = () => document.querySelector('.cm-tooltip-autocomplete') !== null
      const look = () => {
        if (shown()) document.body.dataset['listed'] = 'yes'
      }
      new MutationObserver(look).observe(document.body, { childList: true, subtree: true })
    })
    for (const typed of ['x', '\n```', '\n```q']) {
      await edit()
      await page.evaluate(() => delete document.body.dataset['listed'])
      await page.keyboard.type(typed)
      await page.keyboard.press('Escape')
      if (await page.evaluate(() => document.body.dataset['listed'] === 'yes')) {
        await page.getByRole('option').first().waitFor({ state: 'detached' })
        if ((await page.locator('.cm-content').count()) > 0) await page.keyboard.press('Escape')
      }
      await page.locator('.cm-content').waitFor({ state: 'detached' })
    }
    await edit()
    await page.keyboard.type('\n```\n\n```')
    await page.getByRole('option').first().waitFor()
    await page.keyboard.type('qqqq')
    await page.getByRole('option').first().waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.locator('.cm-content').waitFor({ state: 'detached' })
  })

  test('the history shows what each change did, and brings a text back', async () => {
    const page = await open()
    await write(page, 'the quick fox')
    await note(page, 'the quick fox').waitFor()
    const id = await note(page, 'the quick fox').getAttribute('data-note')
    await askHost(page, [['editNote', String(id), { text: 'the slow fox', now: Date.now() }]])
    await note(page, 'the slow fox').waitFor()
    await page.keyboard.press('Alt+l')
    await focused(page, 'the')
    await page.keyboard.press('h')
    const summary = page.locator('.versions summary').first()
    await summary.getByText('removed: quick').waitFor()
    await summary.click()
    await page.locator('.differences del').filter({ hasText: 'quick' }).waitFor()
    await page.locator('.differences ins').filter({ hasText: 'slow' }).waitFor()
    await page.getByRole('button', { name: 'Make this the text again' }).click()
    await note(page, 'the quick fox').waitFor()
  })

  test('a note gets a title of its own, which stays whatever is typed, and loses it again', async () => {
    const page = await open()
    await write(page, 'the first line')
    const card = note(page, 'the first line')
    const give = async (title: string) => {
      await card.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Title…' }).click()
      await page.keyboard.press('Control+a')
      await page.keyboard.type(title)
      await page.keyboard.press('Enter')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    await give('Minutes')
    const heading = card.getByRole('heading', { name: 'Minutes' })
    await heading.waitFor()
    await card.getByRole('button', { name: 'Edit' }).click()
    await page.locator('.cm-content').pressSequentially(' and more')
    await page.keyboard.press('Escape')
    await card.filter({ hasText: 'the first line and more' }).waitFor()
    await focused(page, 'Minutes')
    await page.reload()
    await heading.waitFor()
    await give(' ')
    await heading.waitFor({ state: 'detached' })
    await page.getByRole('article', { name: 'the first line and more' }).waitFor()
  })

  test('a note is copied and moved to another space', async () => {
    const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] })
    await write(page, 'to be moved')
    await note(page, 'to be moved').waitFor()
    await askHost(page, [['addSpace', { id: 'z', name: 'Zoo', now: 1 }]])
    await space(page, 'Zoo').waitFor()
    await page.keyboard.press('Alt+l')
    await focused(page, 'to be moved')
    await page.keyboard.press('c')
    await page.getByText('Copied.').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('to be moved')
    await note(page, 'to be moved').getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Move to' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Zoo' }).click()
    await note(page, 'to be moved').waitFor({ state: 'detached' })
    await space(page, 'Zoo').click()
    await note(page, 'to be moved').waitFor()
    // What was moved goes back by undo, as what was deleted does.
    await page.locator('.toast').filter({ hasText: 'The note is in “Zoo” now.' }).getByRole('button', { name: 'Undo' }).click()
    await note(page, 'to be moved').waitFor({ state: 'detached' })
    await page.keyboard.press('Alt+1')
    await note(page, 'to be moved').waitFor()
  })
})
