/** Whether this browser's person has put the spaces away, where there would be room for them. */
import { browserShelf } from '#local/shelf'

const NAME = 'spaces-hidden'

export const readHidden = (): boolean => browserShelf.read(NAME) !== undefined

export const keepHidden = (hidden: boolean): void => browserShelf.keep(NAME, hidden ? 'yes' : undefined)
