/**
 * What a browser has to load of a built app before its first screen is whole: the page, what it names, what that imports at once, and the
 * same of the worker that it starts. What is loaded later by `import()` is not in it, nor is SQLite's WebAssembly.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vite'
import { brotli } from '../../tools/compress.ts'
import { walkTree } from './syntax-tree.ts'

export interface LoadedFile {
  /** As browsers ask for it. */
  readonly path: string
  readonly bytes: number
  /** As a server sends it. */
  readonly compressed: number
}

/** Scripts, what is loaded ahead for them, and styles. */
const LINKED = /<(?:script|link rel="(?:modulepreload|stylesheet)")[^>]* (?:src|href)="([^"]+)"/g
const OWN_FILE = /assets\/[\w.-]+\.js/

/** What a script imports at once, and the workers that it may start. */
function namedBy(code: string, path: string): string[] {
  const found: string[] = []
  walkTree(parseAst(code), ({ type, start, end, source, callee }) => {
    if (type === 'ImportDeclaration' || /^Export(?:All|Named)Declaration$/.test(type)) {
      const from = source as { readonly value: string } | null | undefined
      if (from) found.push(new URL(from.value, `http://app${path}`).pathname)
    }
    if (type === 'NewExpression' && (callee as { readonly name?: string }).name === 'Worker') {
      const own = OWN_FILE.exec(code.slice(start, end))
      if (own !== null) found.push(`/${own[0]}`)
    }
  })
  return found
}

/** @param folder of a build. @param page its entry. @returns the page first, then the others as they are found */
export async function firstLoad(folder: string, page = 'index.html'): Promise<LoadedFile[]> {
  const html = readFileSync(join(folder, page), 'utf8')
  const paths = new Set([`/${page}`, ...[...html.matchAll(LINKED)].map(([, path]) => path as string)])
  for (const path of paths) {
    if (!path.endsWith('.js')) continue
    for (const next of namedBy(readFileSync(join(folder, path), 'utf8'), path)) {
      // SQLite names a worker that nobody starts; the build leaves it out.
      if (existsSync(join(folder, next))) paths.add(next)
    }
  }
  return Promise.all(
    [...paths].map(async (path) => {
      const body = readFileSync(join(folder, path))
      return { path: path === '/index.html' ? '/' : path, bytes: body.length, compressed: (await brotli(body)).length }
    }),
  )
}
