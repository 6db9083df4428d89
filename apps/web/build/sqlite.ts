/**
 * Leaves out of SQLite's JavaScript what the app does not use, which no bundler could know: its parts register themselves in a list when
 * the module is loaded. A part that a new version no longer has under this mark ends the build.
 */
import type { Plugin } from 'vite'

const MODULE = /@sqlite\.org[\\/]sqlite-wasm[\\/]dist[\\/]index\.mjs$/
const LIST = 'globalThis.sqlite3ApiBootstrap.initializers'

/** What tells a part: its own name for what it adds. */
const UNUSED = {
  'a worker driven by messages': 'sqlite3.initWorker1API = function',
  'virtual tables written in JavaScript': 'sqlite3.vtab = vtab',
  'databases in localStorage': 'sqlite3_js_kvvfs_clear = function',
  'what both file systems below share': 'opfsUtil.createVfsState = function',
  'files of the browser through a second worker': 'const installOpfsVfs = async function',
  'the same, with Web Locks': 'const installOpfsWlVfs = async function',
}

interface Range {
  readonly start: number
  readonly end: number
}

/** Every `LIST.push(…)` that stands as a statement of its own. */
function registrations(node: unknown, code: string, found: Range[] = []): Range[] {
  if (Array.isArray(node)) for (const one of node) registrations(one, code, found)
  else if (typeof node === 'object' && node !== null) {
    const { type, start, end } = node as { readonly type?: string } & Range
    if (type === 'ExpressionStatement' && code.startsWith(`${LIST}.push(`, start)) found.push({ start, end })
    else for (const child of Object.values(node)) registrations(child, code, found)
  }
  return found
}

export function smallSqlite(): Plugin {
  return {
    name: 'lockstep-small-sqlite',
    apply: 'build',
    transform: {
      filter: { id: MODULE },
      handler(code) {
        const parts = registrations(this.parse(code), code)
        let kept = code
        for (const [what, mark] of Object.entries(UNUSED)) {
          const [part, second] = parts.filter(({ start, end }) => code.slice(start, end).includes(mark))
          if (part === undefined || second !== undefined)
            this.error(`SQLite's JavaScript has changed: where is the part for ${what}?`)
          // As long as it was: what comes behind it stays where it is.
          kept = kept.slice(0, part.start) + ' '.repeat(part.end - part.start) + kept.slice(part.end)
        }
        return { code: kept, map: null }
      },
    },
  }
}
