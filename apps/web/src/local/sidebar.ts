/** Whether this browser's person has put the spaces away, where there would be room for them. */
import { keep, readKept } from '#local/kept'

const NAME = 'spaces-hidden'

export const readHidden = (): boolean => readKept(NAME) !== undefined

export const keepHidden = (hidden: boolean): void => keep(NAME, hidden ? 'yes' : undefined)
