/** A diff that is being written and was not saved yet: written down at each letter, so that a closed tab loses none. */
import { keepDraft, readDraft } from '#local/drafts'

/** No space's id. */
const NAME = '+diff'

export interface DiffDraft {
  readonly date: string
  readonly title: string
  readonly text: string
}

/** Undefined where there is none. */
export function readDiffDraft(): DiffDraft | undefined {
  try {
    const { date, title, text } = (JSON.parse(readDraft(NAME)) ?? {}) as Readonly<Record<string, unknown>>
    return typeof date === 'string' && typeof title === 'string' && typeof text === 'string' ? { date, title, text } : undefined
  } catch {
    return undefined
  }
}

/** @param draft undefined forgets it */
export const keepDiffDraft = (draft: DiffDraft | undefined): void =>
  keepDraft(NAME, draft === undefined ? '' : JSON.stringify(draft))
