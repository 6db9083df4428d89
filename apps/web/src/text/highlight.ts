/** Colours for code, of the languages that people write most. Loaded with the first note that has code. */
import hljs from 'highlight.js/lib/common'

/** HTML of the code with its parts in spans; undefined for a language that is not known. */
export function highlight(code: string, language: string): string | undefined {
  return hljs.getLanguage(language) === undefined ? undefined : hljs.highlight(code, { language, ignoreIllegals: true }).value
}

export interface LanguageName {
  readonly name: string
  /** The language; another one than `name` where that is a short name. */
  readonly of: string
}

/** By name. */
export function languages(): LanguageName[] {
  return hljs
    .listLanguages()
    .flatMap((of) => [of, ...(hljs.getLanguage(of)?.aliases ?? [])].map((name) => ({ name, of })))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
