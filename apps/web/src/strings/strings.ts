/** The strings of the language in use. A language other than English is loaded before anything is shown. */
import { language } from '#local/language'
import { en } from '#strings/en'
import type { Widen } from '#strings/widen'

export type Strings = Widen<typeof en>

async function load(): Promise<Strings> {
  if (language !== 'uk') return en
  // Where it cannot be had, English is better than nothing.
  return import('#strings/uk').then(
    ({ uk }) => uk,
    () => en,
  )
}

export const t: Strings = await load()
