/** Whoever uses keys is not sent back to the page's beginning when the note that has the focus goes away. */
import { expect, test } from 'vitest'
import { composer, focused, newDevice, note, openNew, write } from './app-stage.ts'
import { fileStage } from './file-stage.ts'
import { askHost } from './host-channel.ts'

const { available, stage } = fileStage('what has the focus in Chromium')

test.skipIf(!available)(
  'a note that goes by its menu, to the trash or to another space, hands the focus to the one in its place',
  async () => {
    const page = await openNew(stage, await newDevice(stage))
    for (const text of ['one', 'two', 'three', 'four']) {
      await write(page, text)
      await note(page, text).waitFor()
    }
    await askHost(page, [['addSpace', { id: 'z', name: 'Zoo', now: 1 }]])
    const openMenu = async (text: string) => {
      await note(page, text).getByRole('button', { name: 'More' }).focus()
      await page.keyboard.press('Enter')
      await page.locator('[role=menuitem]:focus').filter({ hasText: 'Pin' }).waitFor()
    }
    const choose = (item: string) => page.getByRole('menuitem', { name: item }).press('Enter')
    await openMenu('two')
    await choose('Delete')
    await focused(note(page, 'three'))
    await openMenu('three')
    await choose('Move to')
    await page.getByRole('dialog').getByRole('button', { name: 'Zoo' }).press('Enter')
    await focused(note(page, 'four'))
    // The last one has none after it.
    await openMenu('four')
    await choose('Delete')
    await focused(note(page, 'one'))
    // What another tab takes away while nothing here has the focus takes it from nowhere.
    await composer(page).focus()
    const id = await note(page, 'one').getAttribute('data-note')
    await askHost(page, [['removeNote', String(id)]])
    await page.getByText('Write the first note').waitFor()
    await focused(composer(page))
    expect(stage.errors).toEqual([])
  },
)
