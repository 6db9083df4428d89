/** The repository's files, for the checks in this folder. Works without git, so that an unpacked archive can be tested too. */
import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

const GENERATED = new Set(['node_modules', 'dist', 'coverage', '.git'])

/** Paths from the root that match `pattern`, with forward slashes, sorted; generated folders are left out. */
export function repositoryFiles(pattern: string): string[] {
  return globSync(pattern, { cwd: ROOT, exclude: (path) => path.split(sep).some((part) => GENERATED.has(part)) })
    .map((path) => path.replaceAll(sep, '/'))
    .sort()
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
