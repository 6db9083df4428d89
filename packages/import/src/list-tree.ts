/**
 * A tree from a flat list of paths, which is what archives and browsers give. Such a list may come from anybody, so a path must be
 * one below the tree: what climbs (`..`), begins at a root or a drive, or is there twice is refused by name, and the rest goes on.
 *
 * What is left out is what the walk of a folder on disk leaves out, too: whatever has a name that begins with a dot, counted once
 * with everything in it. A Mac's `__MACOSX` is such a folder under another name.
 */
import { ImportError } from '#errors'
import { Refusals } from '#refusals'
import type { SkipReason, SourceFile, SourceTree } from '#source-tree'

export type ListedEntry =
  | (SourceFile & { readonly kind: 'file' })
  /** A folder, perhaps an empty one. */
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: Exclude<SkipReason, 'hidden'>; readonly path: string }
  | { readonly kind: 'refused'; readonly path: string; readonly reason: string }

/** Entries: nobody has that many notes, and every one costs memory before the first is read. */
const MAX_ENTRIES = 1_000_000
/** As of a folder on disk. */
const MAX_DEPTH = 200
const MAC_FORKS = '__MACOSX'

const isHidden = (name: string, depth: number) => name.startsWith('.') || (depth === 0 && name === MAC_FORKS)

/** Why a path cannot be one below the tree. */
function problemOf(path: string, names: readonly string[]): string | undefined {
  if (
    names.some((name) => name === '' || name === '.' || name === '..') ||
    path.includes('\0') ||
    /^[a-z]:/i.test(names[0] ?? '')
  ) {
    return 'has a path that is none below a folder'
  }
  return names.length > MAX_DEPTH + 1 ? `is more than ${MAX_DEPTH} folders deep` : undefined
}

/** @throws ImportError `source-invalid` for more entries than anybody has */
export async function treeOf(
  name: string,
  entries: Iterable<ListedEntry> | AsyncIterable<ListedEntry>,
): Promise<SourceTree & { readonly moreRefused: number }> {
  const folders = new Set<string>()
  const files = new Map<string, SourceFile>()
  const hidden = new Set<string>()
  const skipped: Record<SkipReason, number> = { hidden: 0, link: 0, special: 0 }
  const refusals = new Refusals()
  let count = 0
  for await (const entry of entries) {
    if (++count > MAX_ENTRIES) throw new ImportError('source-invalid', `${name} has more than ${MAX_ENTRIES} entries`)
    const names = entry.path.replace(/\/$/, '').split('/')
    const problem = problemOf(entry.path, names)
    if (problem !== undefined) {
      refusals.add(entry.path, problem)
      continue
    }
    const dot = names.findIndex(isHidden)
    if (dot >= 0) {
      hidden.add(names.slice(0, dot + 1).join('/'))
      continue
    }
    const [top = ''] = names
    if (names.length > 1 || entry.kind === 'folder') folders.add(top)
    if (entry.kind === 'refused') refusals.add(entry.path, entry.reason)
    else if (entry.kind === 'file') {
      if (files.has(entry.path)) refusals.add(entry.path, 'is there twice')
      else files.set(entry.path, entry)
    } else if (entry.kind !== 'folder') skipped[entry.kind]++
  }
  skipped.hidden = hidden.size
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)
  const { listed: refused, more: moreRefused } = refusals
  return { name, folders: [...folders].sort(), files: sorted, skipped, refused, moreRefused }
}
