/** The language of the interface: what the person chose in this browser, else the first of theirs that there is, else English. */
import { browserShelf } from '#local/shelf'

/** Each by its own name. */
export const LANGUAGES = { en: 'English', uk: 'Українська' } as const

export type Language = keyof typeof LANGUAGES

const NAME = 'language'

const primary = (tag: string): string => tag.toLowerCase().split('-', 1)[0] ?? ''

const isLanguage = (tag: string | undefined): tag is Language => tag !== undefined && Object.hasOwn(LANGUAGES, tag)

/** @param wanted BCP 47 tags, the preferred first */
export function pickLanguage(chosen: string | undefined, wanted: readonly string[]): Language {
  return isLanguage(chosen) ? chosen : (wanted.map(primary).find(isLanguage) ?? 'en')
}

/** A tag for days and numbers: the person's own variant of the language, where they have one. */
export function pickLocale(language: Language, wanted: readonly string[]): string {
  return wanted.find((tag) => primary(tag) === language) ?? language
}

const wanted: readonly string[] = globalThis.navigator?.languages ?? []

export const language: Language = pickLanguage(browserShelf.read(NAME), wanted)

export const locale: string = pickLocale(language, wanted)

/** From the next time that the page is loaded. */
export const chooseLanguage = (next: Language): void => browserShelf.keep(NAME, next)
