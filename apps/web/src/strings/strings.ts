/** The strings of the language in use. */
import { en, type Strings } from '#strings/en'

export const t: Strings = en
