/**
 * What people choose or drop, as what is to be imported. Files tell by their names what they are: a `.zip` is an archive of Markdown, a
 * `.json` somebody's export, everything else is looked at as one tree, which takes the Markdown and counts the rest.
 */
import type { GivenFile } from '@lockstep/import/blob-file'
import type { ImportRequest } from '#host/transfer-jobs'

/** Names a tree that has none of its own: some files, or some folders side by side. */
const UNNAMED = 'Notes'

const withoutExtension = (name: string) => name.replace(/\.[a-z]+$/i, '') || UNNAMED

/** Of an input for folders: the chosen folder's name begins every path. */
export function requestOfFolder(files: readonly File[]): ImportRequest[] {
  const given = files.map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }))
  const [name = UNNAMED] = given[0]?.path.split('/') ?? []
  return requestsOf(
    given.map(({ path, blob }) => ({ path: path.slice(path.indexOf('/') + 1), blob })),
    name,
  )
}

/** @param name of the folder that the paths are below; absent: there is none */
export function requestsOf(files: readonly GivenFile[], name?: string): ImportRequest[] {
  if (files.length === 0) return []
  const isOneFile = (path: string, extension: string) =>
    name === undefined && !path.includes('/') && path.toLowerCase().endsWith(extension)
  const zips = files.filter(({ path }) => isOneFile(path, '.zip'))
  const jsons = files.filter(({ path }) => isOneFile(path, '.json'))
  const rest = files.filter((file) => !zips.includes(file) && !jsons.includes(file))
  return [
    ...zips.map(({ path, blob }) => ({ from: 'zip' as const, name: withoutExtension(path), file: blob })),
    ...jsons.map(({ path, blob }) => ({ from: 'json' as const, name: path, file: blob })),
    ...(rest.length > 0 ? [{ from: 'files' as const, name: name ?? UNNAMED, files: rest }] : []),
  ]
}

/** What was dropped. A single folder is the tree; of several things each has its name in one. */
export async function requestsOfDrop(entries: readonly FileSystemEntry[]): Promise<ImportRequest[]> {
  const [only] = entries
  const isFolder = entries.length === 1 && only?.isDirectory === true
  const files: GivenFile[] = []
  for (const entry of entries) await collect(entry, isFolder ? '' : entry.name, files)
  return requestsOf(files, isFolder ? only.name : undefined)
}

async function collect(entry: FileSystemEntry, path: string, into: GivenFile[]): Promise<void> {
  if (entry.isFile) {
    const blob = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    into.push({ path, blob })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // A hundred at a time, until there are no more.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return
    for (const one of entries) await collect(one, path === '' ? one.name : `${path}/${one.name}`, into)
  }
}
