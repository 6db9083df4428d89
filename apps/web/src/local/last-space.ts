/** The space whose notes were shown last: the app opens with it again. */
import { kept } from '#local/kept'

const NAME = 'last-space'

export const readLastSpace = (): string | undefined => kept.read(NAME)

export const keepLastSpace = (id: string): void => kept.keep(NAME, id)
