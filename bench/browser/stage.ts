/**
 * The built web app on a real server, and Chromium with a profile on the disk: in a window without one, what the app stores as files
 * would be kept in memory. Beside the app lie a page with nothing on it and a worker with nothing but SQLite, which show what this
 * machine and this browser can do at all.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserContext, chromium } from 'playwright-core'
import { build } from 'vite'
import { ARGUMENTS, CHROMIUM } from '../../tests/e2e/chromium.ts'
import { compressFolder } from '../../tools/compress.ts'
import type { Stage } from '../support/stage.ts'

const APP = fileURLToPath(new URL('../../apps/web', import.meta.url))
/** Nothing takes this long: it only keeps a page that hangs from hanging for ever. Milliseconds. */
const HANGS = 300_000
const VIEWPORT = { width: 1200, height: 800 }
/** The same field as the app's: what the same page with nothing behind it takes. */
const EMPTY_PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Empty</title></head>
<body><p class="empty">Nothing</p><textarea aria-label="Write a note"></textarea></body></html>`

/** Builds the app as people get it, with the two that it is compared with. @param outDir made; the caller removes it */
export async function buildApp(outDir: string): Promise<void> {
  await build({ root: APP, configFile: join(APP, 'vite.config.ts'), logLevel: 'error', build: { outDir, emptyOutDir: true } })
  await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2024',
      rolldownOptions: {
        input: { 'plain-sqlite': join(import.meta.dirname, 'plain-sqlite.ts') },
        output: { entryFileNames: '[name].js' },
      },
    },
  })
  writeFileSync(join(outDir, 'empty.html'), EMPTY_PAGE)
  await compressFolder(outDir)
}

export interface Profiles {
  /** A browser that has never been used before: another device. */
  open(options?: { readonly serviceWorkers?: 'block' }): Promise<BrowserContext>
  close(): Promise<void>
}

export function openProfiles({ folder }: Pick<Stage, 'folder'>): Profiles {
  const contexts: BrowserContext[] = []
  return {
    async open(options) {
      const home = mkdtempSync(join(folder, 'profile-'))
      const context = await chromium.launchPersistentContext(home, {
        executablePath: CHROMIUM,
        args: ARGUMENTS,
        viewport: VIEWPORT,
        ...options,
      })
      context.setDefaultTimeout(HANGS)
      contexts.push(context)
      return context
    },
    async close() {
      for (const context of contexts) await context.close()
    },
  }
}
