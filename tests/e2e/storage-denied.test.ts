/** A browser that stores nothing for a page, as private windows of some do. */
import { expect, test } from 'vitest'
import { closeDialog, newDevice, note, openAppInfo, write } from './app-stage.ts'
import { DENIALS, deny } from './denied-storage.ts'
import { fileStage } from './file-stage.ts'

const { available, stage } = fileStage('the app where a browser cannot store')

test.skipIf(!available).each(Object.entries(DENIALS))(
  'without storage for its %s the app says so, and goes on in memory with that in sight',
  async (_, denial) => {
    const context = await newDevice(stage, { serviceWorkers: 'block' })
    await deny(context, denial)
    const page = await stage.newPage(context)
    await page.getByRole('heading', { name: 'This browser cannot store notes for this page' }).waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
    await page.getByRole('button', { name: 'Write without storing' }).click()
    const banner = page.getByText('is gone when this tab is closed', { exact: false }).first()
    await banner.waitFor()
    await write(page, 'for a moment')
    await note(page, 'for a moment').waitFor()
    expect(await banner.isVisible()).toBe(true)

    // A second tab has nothing of it, and asks anew.
    const other = await stage.newPage(context)
    await other.getByRole('button', { name: 'Write without storing' }).click()
    await other.getByText('Write the first note').waitFor()

    // The browser asks before it is lost.
    const asked = new Promise<string>((resolve) =>
      page.once('dialog', (dialog) => {
        resolve(dialog.type())
        void dialog.accept()
      }),
    )
    await page.close({ runBeforeUnload: true })
    expect(await asked).toBe('beforeunload')
  },
)

test.skipIf(!available)('after the first note the browser is asked to keep it; App info says what it answered', async () => {
  const context = await newDevice(stage)
  await context.addInitScript(() => {
    let promised = false
    StorageManager.prototype.persist = async () => (promised = true)
    StorageManager.prototype.persisted = async () => promised
  })
  const page = await stage.newPage(context)
  await openAppInfo(page)
  await page.getByText('This browser may clear your notes').waitFor()
  await closeDialog(page)
  await write(page, 'worth keeping')
  await note(page, 'worth keeping').waitFor()
  await openAppInfo(page)
  await page.getByText('This browser has promised to keep your notes').waitFor()
  expect(stage.errors).toEqual([])
})
