/** What stands in a composer and was not saved yet: written down at each letter, so that a closed tab loses none. */
import { kept } from '#local/kept'

const nameOf = (space: string): string => `draft/${space}`

export const readDraft = (space: string): string => kept.read(nameOf(space)) ?? ''

export const keepDraft = (space: string, text: string): void => kept.keep(nameOf(space), text === '' ? undefined : text)
