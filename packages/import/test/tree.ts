/** Trees of files on disk, and random ones. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Random } from '../../../tests/support/random.ts'

export type Files = Record<string, string | Uint8Array>

/** A new folder that is removed when the returned object is disposed of. */
export async function temporaryFolder(): Promise<{ readonly path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export async function writeTree(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const full = join(folder, path)
    await mkdir(dirname(full), { recursive: true })
    await writeFile(full, content)
  }
}

/** Path → bytes in hexadecimal, so that a difference is readable and exact. Empty folders end with `/`. */
export async function readTree(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const below = path.slice(folder.length + 1)
    if (entry.isFile()) found[below] = (await readFile(path)).toString('hex')
    else if (entry.isDirectory() && (await readdir(path)).length === 0) found[`${below}/`] = ''
  }
  return found
}

const NAMES = [
  'a',
  'A',
  'readme',
  'README',
  'ä',
  'a\u0308',
  'x y',
  'a:b',
  'con',
  'note (2)',
  '-dash',
  'a.b',
  '日本',
  '😀',
  'tail.',
  'back\\slash',
  'quo"te',
  "it's",
  'new\nline',
]
const TEXTS = ['', '# Title\n', '\ufeff# BOM', 'a\r\nb\r\n', 'nul\u0000byte', 'no end', '\r', '😀 日本', '# T\n\n```\n# x\n```\n']

function randomText(random: Random): string {
  if (random.chance(0.5)) return random.pick(TEXTS)
  return Array.from({ length: random.below(40) }, () =>
    random.pick(['word', '\n', ' ', '# ', '\t', 'ß', '\r\n', '\u0000', '𝄞']),
  ).join('')
}

/** Markdown files only, in folders up to three deep and at the top; names and contents that trip up careless code. */
export function randomTree(random: Random): Files {
  const files: Files = {}
  // A name is either a file or a folder: folders never end in .md here.
  const count = random.below(25)
  for (let i = 0; i < count; i++) {
    const folders = Array.from({ length: random.below(4) }, () => random.pick(NAMES))
    const name = `${random.pick(NAMES)}${random.chance(0.3) ? i : ''}${random.pick(['.md', '.MD', '.md', '.md.md'])}`
    files[[...folders, name].join('/')] = randomText(random)
  }
  return files
}
