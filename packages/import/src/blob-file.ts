/** A browser's file, or any other Blob, as one to import. */
import type { ListedEntry } from '#list-tree'

export interface GivenFile {
  /** Below the tree, with `/`. */
  readonly path: string
  readonly blob: Blob & { readonly lastModified?: number }
}

export function listFile({ path, blob }: GivenFile): ListedEntry {
  const { size, lastModified } = blob
  return {
    kind: 'file',
    path,
    size,
    ...(lastModified !== undefined && { modifiedAt: Math.max(0, Math.trunc(lastModified)) }),
    read: async (limit) => new Uint8Array(await blob.slice(0, limit + 1).arrayBuffer()),
  }
}
