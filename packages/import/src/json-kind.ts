/** Whose export a JSON text is, by what each writes at its beginning; what neither wrote is looked at as a whole. */
export type JsonKind = 'lockstep' | 'dataans'

/** Characters: more than both need before their first row. */
const BEGINNING = 200

export function jsonKind(text: string): JsonKind | undefined {
  const beginning = text.slice(0, BEGINNING)
  if (/^\s*\{\s*"format"\s*:\s*"lockstep-export"/.test(beginning)) return 'lockstep'
  if (/^\s*\{\s*"version"\s*:\s*"V1"/.test(beginning)) return 'dataans'
  try {
    const { format, version } = Object(JSON.parse(text)) as { readonly format?: unknown; readonly version?: unknown }
    return format === 'lockstep-export' ? 'lockstep' : version === 'V1' ? 'dataans' : undefined
  } catch {
    return undefined
  }
}
