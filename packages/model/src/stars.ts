/**
 * Stars on paragraphs of diffs. A star's id is `diffId:paragraph`, so starring the same paragraph on two devices gives
 * one star; of an imported star that lies within a paragraph it is `diffId:i` and its index there.
 */
import { findDiff, SHOWN_DIFFS } from '#diffs'
import { ModelError } from '#errors'
import { paragraphs } from '#paragraphs'
import type { LockstepVault } from '#schema'

export interface Star {
  readonly id: string
  readonly diffId: string
  readonly diffTitle: string
  readonly date: string
  /** From 0. */
  readonly paragraph: number
  /** Of an imported star: its index in the counting of the app that it came from. */
  readonly item: number | null
  /** The paragraph as it was when it was starred. */
  readonly text: string
  readonly createdAt: number
}

/** Also a TLDR's id. `item` is null for what was made here. */
export const starId = (diff: string, paragraph: number, item: number | null = null) =>
  item === null ? `${diff}:${paragraph}` : `${diff}:i${item}`

/** The latest day first, then in the order of the paragraphs. */
export function listStars(vault: LockstepVault): Star[] {
  return vault
    .query(
      `SELECT s.id, s.diff, s.paragraph, s.item, s.text, s.createdAt, d.title, d.date
       FROM stars s JOIN ${SHOWN_DIFFS} d ON d.id = s.diff ORDER BY d.date DESC, d.id, s.paragraph, s.item`,
    )
    .map((row) => ({
      id: String(row['id']),
      diffId: String(row['diff']),
      diffTitle: String(row['title']),
      date: String(row['date']),
      paragraph: Number(row['paragraph']),
      item: row['item'] as number | null,
      text: String(row['text']),
      createdAt: Number(row['createdAt']),
    }))
}

export interface NewStar {
  /** Id of the diff, or the beginning of it. */
  readonly diff: string
  readonly paragraph: number
  readonly now: number
}

/** Stars a paragraph; one that is starred already stays as it is. Returns the id. @throws ModelError `no-such-diff`, `no-such-paragraph`, `ambiguous` */
export function addStar(vault: LockstepVault, { diff, paragraph, now }: NewStar): string {
  const { id: diffId, text, title } = findDiff(vault, diff)
  const all = paragraphs(text)
  const snapshot = all[paragraph]
  if (snapshot === undefined) {
    const range = all.length === 0 ? 'it has none' : `it has 0 to ${all.length - 1}`
    throw new ModelError('no-such-paragraph', `the diff "${title}" has no paragraph ${paragraph}: ${range}`)
  }
  const id = starId(diffId, paragraph)
  vault.transact((tx) => {
    if (tx.get('stars', id)?._deleted === false) return
    tx.put('stars', id, { diff: diffId, paragraph, text: snapshot, createdAt: now })
  })
  return id
}

/** @throws ModelError `no-such-star` */
export function removeStar(vault: LockstepVault, id: string): void {
  const removed = vault.query('SELECT 1 FROM stars WHERE id = ?', id).length > 0
  if (!removed)
    throw new ModelError('no-such-star', `there is no star "${id}": a star's id is its diff's id, a colon and the paragraph`)
  vault.transact((tx) => tx.delete('stars', id))
}

/** Brings back a star that was taken away. @throws ModelError `no-such-star` */
export function restoreStar(vault: LockstepVault, id: string): void {
  if (vault.query('SELECT 1 FROM all_stars WHERE id = ?', id).length === 0)
    throw new ModelError('no-such-star', `there was no star "${id}"`)
  vault.transact((tx) => tx.restore('stars', id))
}
