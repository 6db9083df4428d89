/** What stands in a composer and was not saved yet: written down at each letter, so that a closed tab loses none. */
import { keep, readKept } from '#local/kept'

const nameOf = (space: string): string => `draft/${space}`

export const readDraft = (space: string): string => readKept(nameOf(space)) ?? ''

export const keepDraft = (space: string, text: string): void => keep(nameOf(space), text === '' ? undefined : text)
