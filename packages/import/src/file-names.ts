/**
 * Safe names for files and folders of an exported tree. A name that the destination can hold stays exactly as it is, so
 * that what was imported comes back under its own name; any other is changed by rule, the same on every run.
 *
 * No name that comes out can leave its folder: it is one component, never empty, `.` or `..`, and holds neither a
 * separator nor NUL. None begins with a dot either: such names have powers (`.git`), and none is ever imported.
 */

/** What a destination can hold. */
export interface NameRules {
  /** Windows refuses more characters and some whole names. */
  readonly names: 'posix' | 'windows'
  /** False where `A` and `a`, or two spellings of `é`, are one file. */
  readonly caseSensitive: boolean
}

/** Bytes of UTF-8 that common file systems take for one name. */
const MAX_NAME_BYTES = 255
const SHORTENED_BYTES = 200

const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=[. ]|$)/i

const encoder = new TextEncoder()

/** Two names with one key cannot stand in one folder. */
export function nameKey(name: string, { caseSensitive }: NameRules): string {
  return caseSensitive ? name : name.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase()
}

/** One component for `name`. `extension` (with its dot) is added where it is missing. */
export function safeName(name: string, rules: NameRules, extension = ''): string {
  let safe = name.toWellFormed().replace(/[/\0]/g, '_')
  if (extension !== '' && !safe.toLowerCase().endsWith(extension)) safe += extension
  if (rules.names === 'windows') {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses them
    safe = safe.replace(/[\u0000-\u001f<>:"\\|?*]/g, '_').replace(/[. ]+$/, (end) => '_'.repeat(end.length))
    if (WINDOWS_RESERVED.test(safe)) safe = `_${safe}`
  }
  if (safe === '' || safe.startsWith('.')) safe = `_${safe}`
  return encoder.encode(safe).length <= MAX_NAME_BYTES ? safe : shorten(safe, '')
}

/** `name.md` → `name (2).md`. */
export function numbered(name: string, number: number): string {
  const { stem, extension } = splitExtension(name)
  const suffix = ` (${number})`
  const whole = `${stem}${suffix}${extension}`
  return encoder.encode(whole).length <= MAX_NAME_BYTES ? whole : shorten(name, suffix)
}

function splitExtension(name: string): { stem: string; extension: string } {
  const extension = /\.md$/i.exec(name)?.[0] ?? ''
  return { stem: name.slice(0, name.length - extension.length), extension }
}

function shorten(name: string, suffix: string): string {
  const { stem, extension } = splitExtension(name)
  let kept = ''
  let bytes = 0
  for (const character of stem) {
    bytes += encoder.encode(character).length
    if (bytes > SHORTENED_BYTES) break
    kept += character
  }
  return `${kept.trimEnd()}…${suffix}${extension}`
}
