/** What was typed into a field and is not stored yet: written down at each letter, so that a closed tab loses none. */
import { kept } from '#local/kept'

const nameOf = (field: string): string => `field/${field}`

/** Undefined where there is nothing; '' where the field was emptied. */
export function readFieldDraft(field: string): string | undefined {
  const draft = kept.readJson(nameOf(field))
  return typeof draft === 'string' ? draft : undefined
}

/** @param text undefined forgets it */
export const keepFieldDraft = (field: string, text: string | undefined): void =>
  kept.keep(nameOf(field), text === undefined ? undefined : JSON.stringify(text))
