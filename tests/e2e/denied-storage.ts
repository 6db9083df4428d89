/** Browsers that keep nothing for a page. */
import type { BrowserContext } from 'playwright-core'

/** What a worker is told there, whichever storage it asks for. */
export const DENIALS = {
  files:
    "StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('It was determined that certain files are unsafe', 'SecurityError'));",
  keys: "IDBFactory.prototype.open = () => { throw new DOMException('The user denied permission to access the database', 'SecurityError') };",
}

/** Its workers are served with the denial before their own first line: init scripts of the test's reach pages only. */
export async function deny(context: BrowserContext, denial: string): Promise<void> {
  await context.route(/\/assets\/worker-[^/]*\.js$/, async (route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, body: `${denial}\n${await answer.text()}` })
  })
}
