/** What stands in a composer and was not saved yet: written down at each letter, so that a closed tab loses none. */
import { kept } from '#local/kept'

/** Texts of two drafts as one. */
export const joinDrafts = (first: string, second: string): string =>
  first.trim() === '' || second.trim() === '' ? first + second : `${first}\n\n${second}`

const nameOf = (space: string): string => `draft/${space}`

/** Those that the browser would not keep: for as long as the tab is there. */
const refused = new Map<string, string>()

export const readDraft = (space: string): string => refused.get(space) ?? kept.read(nameOf(space)) ?? ''

export function keepDraft(space: string, text: string): void {
  kept.keep(nameOf(space), text === '' ? undefined : text)
  refused.delete(space)
  if (readDraft(space) !== text) refused.set(space, text)
}

/** Puts the draft of one space before that of another. */
export function moveDraft(from: string, to: string): void {
  const draft = readDraft(from)
  if (draft === '') return
  keepDraft(to, joinDrafts(draft, readDraft(to)))
  keepDraft(from, '')
}

/** Calls `listener` when another tab has changed it. */
export const onDraftElsewhere = (space: string, listener: () => void): (() => void) => kept.onElsewhere(nameOf(space), listener)
