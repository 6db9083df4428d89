/** Vite's part of the service worker: tells it what the build consists of, and gives it the one name that never changes. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Plugin } from 'vite'

/** The name of its entry, and of its file. */
const ENTRY = 'sw'
const FILE = 'sw.js'
/** For strangers, who have no app; it has an address of its own, with a server behind it. */
const SHARED_PAGE = 'share.html'
/** SQLite's package has two more workers than the one that the app starts. */
const UNUSED = /^assets\/sqlite3-(?:opfs-async-proxy|worker1)-/

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll(sep, '/'))
    .sort()
}

const digest = (content: Uint8Array) => `sha256-${createHash('sha256').update(content).digest('base64')}`

/** Writes into the worker what `service-worker/sw.ts` declares as BUILD: from the files as they are served. */
function describeBuild(folder: string): void {
  const files: Record<string, string> = {}
  for (const name of filesOf(folder)) {
    if (UNUSED.test(name)) rmSync(join(folder, name))
    else if (name !== FILE && name !== SHARED_PAGE)
      files[name === 'index.html' ? '/' : `/${name}`] = digest(readFileSync(join(folder, name)))
  }
  const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)
  const code = readFileSync(join(folder, FILE), 'utf8')
  writeFileSync(join(folder, FILE), `const BUILD = ${JSON.stringify({ version, files })};\n${code}`)
}

export function serviceWorker(): Plugin {
  return {
    name: 'lockstep-service-worker',
    apply: 'build',
    config: () => ({
      build: {
        rolldownOptions: {
          input: { index: 'index.html', share: SHARED_PAGE, [ENTRY]: 'src/service-worker/sw.ts' },
          output: { entryFileNames: ({ name }) => (name === ENTRY ? FILE : 'assets/[name]-[hash].js') },
        },
      },
    }),
    writeBundle({ dir }) {
      if (dir === undefined) throw new Error('the build has no folder')
      describeBuild(dir)
    },
  }
}
