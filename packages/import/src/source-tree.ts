/**
 * A tree of files to import, whoever reads it: Node's file system (platform/node/read-folder.ts), a browser's
 * directory handle, a test. Names are already listed, contents are read one by one.
 */
export interface SourceFile {
  /** From the tree's top, with `/` between names. */
  readonly path: string
  /** Bytes, as listed; reading may find another number. */
  readonly size: number
  /** Unix milliseconds. */
  readonly modifiedAt?: number
  /** May stop after `limit` bytes, one more than which says that there are more. */
  read(limit: number): Promise<Uint8Array<ArrayBuffer>>
}

/** What is left out by rule, not by failure: names that begin with a dot, links (never followed), devices and pipes. */
export type SkipReason = 'hidden' | 'link' | 'special'

export interface Refused {
  readonly path: string
  /** One clause, for people: "is not UTF-8". */
  readonly reason: string
}

export const isMarkdown = (path: string) => /\.md$/i.test(path)

export interface SourceTree {
  /** Base name of the tree. */
  readonly name: string
  /** Names of the folders at its top. */
  readonly folders: readonly string[]
  readonly files: readonly SourceFile[]
  readonly skipped: Readonly<Record<SkipReason, number>>
  /** What could not be listed. */
  readonly refused: readonly Refused[]
  /** Of a list that names too many of them: those beyond. */
  readonly moreRefused?: number
}
