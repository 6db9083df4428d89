/** A number with what it counts: 1 нотатка, 2 нотатки, 5 нотаток. The forms are those of CLDR's rules for Ukrainian. */
const rules = new Intl.PluralRules('uk')

export const number = (n: number): string => n.toLocaleString('uk')

export function plural(n: number, one: string, few: string, many: string): string {
  const form = rules.select(n)
  return `${number(n)} ${form === 'one' ? one : form === 'few' ? few : many}`
}
