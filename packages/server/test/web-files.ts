/** A folder as the app's bundler leaves it, small. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readWebFolder } from '#serve/web-folder'
import type { WebFile } from '#web-app'
import { temporaryFolder } from './running.ts'

export const SCRIPT = `export const text = '${'in step '.repeat(1000)}'\n`

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'index.html': '<!doctype html><title>Lockstep</title><script type="module" src="/assets/index-0a1b2c3d.js"></script>',
  'share.html': '<!doctype html><title>Shared</title>',
  'sw.js': 'addEventListener("fetch", () => {})',
  'assets/index-0a1b2c3d.js': SCRIPT,
  'assets/sqlite3-0a1b2c3d.wasm': new Uint8Array(5000),
}

export function webFolder(files: typeof FILES = FILES): string {
  const folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

export const webFiles = (): WebFile[] => readWebFolder(webFolder())
