/** TLDRs: short summaries of what a diff's paragraphs link to. They are imported with their diff and read with it. */
import { SHOWN_DIFFS } from '#diffs'
import type { LockstepVault } from '#schema'

export interface Tldr {
  readonly id: string
  readonly diffId: string
  /** From 0. */
  readonly paragraph: number
  /** Index in the counting of the app that it came from. */
  readonly item: number | null
  readonly text: string
  /** The page that is summed up; '' where that was not kept. */
  readonly url: string
  readonly createdAt: number
}

/** Of shown diffs, or of one by its id, in the order of the paragraphs. */
export function listTldrs(vault: LockstepVault, diff?: string): Tldr[] {
  const where = diff === undefined ? '' : 'WHERE t.diff = ?'
  return vault
    .query(
      `SELECT t.* FROM tldrs t JOIN ${SHOWN_DIFFS} d ON d.id = t.diff ${where} ORDER BY t.diff, t.paragraph, t.item, t.id`,
      ...(diff === undefined ? [] : [diff]),
    )
    .map((row) => ({
      id: String(row['id']),
      diffId: String(row['diff']),
      paragraph: Number(row['paragraph']),
      item: row['item'] as number | null,
      text: String(row['text']),
      url: String(row['url']),
      createdAt: Number(row['createdAt']),
    }))
}
