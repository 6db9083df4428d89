/**
 * A small scanner of TypeScript and JavaScript source, for the checks in this folder: it tells code from comments,
 * strings, templates and regular expressions, and finds what a file imports. It builds no syntax tree; the checks ask
 * questions that need none, and no parser has to be installed for them.
 *
 * A `/` starts a regular expression unless it follows a value (an identifier that is no keyword, a literal, `)` or `]`).
 * The one known misreading is a regular expression right after the `)` of `if (…)` or `while (…)`; Biome's format with
 * braces does not produce it.
 */

/** A string literal, or a template without substitutions. `start` and `end` enclose the quotes. */
export interface StringLiteral {
  readonly start: number
  readonly end: number
  readonly value: string
}

export interface ScannedSource {
  /** The source, same length and line breaks, with comments and the inside of strings, templates and regular expressions blanked. */
  readonly code: string
  readonly strings: readonly StringLiteral[]
}

export interface Import {
  readonly kind: 'static' | 'dynamic'
  readonly specifier: string
  /** What stands between `import` or `export` and `from`; empty for dynamic and side-effect imports. */
  readonly clause: string
  /** Counted from 1. */
  readonly line: number
}

/** Keywords after which an expression starts, so that a `/` begins a regular expression. */
const BEFORE_EXPRESSION = new Set(
  'return typeof case in of delete void throw new else do instanceof yield await default extends'.split(' '),
)

export function scanSource(source: string): ScannedSource {
  const blanked = source.split('')
  const strings: StringLiteral[] = []
  /** Depth of braces inside each open `${`. */
  const substitutions: number[] = []
  /** The last character of code that is not white space, and the word that ends with it. */
  let lastCode = ''
  let lastWord = ''
  let at = 0

  const blank = (from: number, to: number) => {
    for (let i = from; i < Math.min(to, source.length); i++) if (source[i] !== '\n') blanked[i] = ' '
  }

  const quoted = (quote: string) => {
    const start = at
    at++
    while (at < source.length && source[at] !== quote && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1
    blank(start + 1, at)
    at++
    strings.push({ start, end: at, value: unescapeText(source.slice(start + 1, at - 1)) })
    lastCode = quote
  }

  /** From after a backtick or after the `}` of a substitution up to the closing backtick or the next `${`. */
  const template = (start: number, whole: boolean) => {
    while (at < source.length && source[at] !== '`') {
      if (source[at] === '$' && source[at + 1] === '{') {
        blank(start, at)
        at += 2
        substitutions.push(0)
        lastCode = '{'
        return
      }
      at += source[at] === '\\' ? 2 : 1
    }
    blank(start, at)
    if (whole) strings.push({ start: start - 1, end: at + 1, value: unescapeText(source.slice(start, at)) })
    at++
    lastCode = '`'
  }

  const regularExpression = () => {
    const start = at
    let inClass = false
    at++
    while (at < source.length && source[at] !== '\n' && (inClass || source[at] !== '/')) {
      if (source[at] === '[') inClass = true
      else if (source[at] === ']') inClass = false
      at += source[at] === '\\' ? 2 : 1
    }
    blank(start + 1, at)
    at++
    while (/[a-z]/.test(source[at] ?? '')) at++
    lastCode = ')'
  }

  const startsExpression = () => {
    if (lastCode === '') return true
    if (/[\w$]/.test(lastCode)) return BEFORE_EXPRESSION.has(lastWord)
    return !/[)\]'"`]/.test(lastCode)
  }

  if (source.startsWith('#!')) {
    at = source.indexOf('\n')
    if (at < 0) at = source.length
    blank(0, at)
  }
  while (at < source.length) {
    const char = source[at] as string
    const next = source[at + 1]
    if (char === '/' && next === '/') {
      const end = source.indexOf('\n', at)
      const stop = end < 0 ? source.length : end
      blank(at, stop)
      at = stop
    } else if (char === '/' && next === '*') {
      const end = source.indexOf('*/', at + 2)
      const stop = end < 0 ? source.length : end + 2
      blank(at, stop)
      at = stop
    } else if (char === "'" || char === '"') {
      quoted(char)
    } else if (char === '`') {
      at++
      template(at, true)
    } else if (char === '/' && startsExpression()) {
      regularExpression()
    } else if (/[\w$]/.test(char)) {
      const start = at
      while (/[\w$]/.test(source[at] ?? '')) at++
      // A property called like a keyword is a value.
      lastWord = lastCode === '.' ? '' : source.slice(start, at)
      lastCode = char
    } else {
      const depth = substitutions.at(-1)
      if (depth !== undefined && char === '{') substitutions[substitutions.length - 1] = depth + 1
      if (depth !== undefined && char === '}') {
        if (depth === 0) {
          substitutions.pop()
          at++
          template(at, false)
          continue
        }
        substitutions[substitutions.length - 1] = depth - 1
      }
      if (!/\s/.test(char)) lastCode = char
      at++
    }
  }
  return { code: blanked.join(''), strings }
}

/** Escapes that titles and module names use; others stay as they are written. */
function unescapeText(text: string): string {
  return text.replace(/\\(['"`\\])/g, '$1')
}

export function lineOf(source: string, position: number): number {
  let line = 1
  for (let i = source.indexOf('\n'); i >= 0 && i < position; i = source.indexOf('\n', i + 1)) line++
  return line
}

/** Every `import … from`, `export … from`, `import '…'`, `import('…')` and `import.meta.resolve('…')`, types included. */
export function importsOf({ code, strings }: ScannedSource): Import[] {
  const imports: Import[] = []
  for (const { start, value } of strings) {
    const before = code.slice(0, start).trimEnd()
    if (!/(?:\bfrom|\bimport|\()$/.test(before.slice(-7))) continue
    const line = lineOf(code, start)
    const from = /\b(?:import|export)\b([^;'"`()]*)\bfrom$/.exec(before)
    if (from) imports.push({ kind: 'static', specifier: value, clause: (from[1] as string).trim(), line })
    else if (/(?<![.\w$])import$/.test(before)) imports.push({ kind: 'static', specifier: value, clause: '', line })
    else if (/(?<![.\w$])import\s*(?:\.\s*meta\s*\.\s*resolve\s*)?\($/.test(before)) {
      imports.push({ kind: 'dynamic', specifier: value, clause: '', line })
    }
  }
  return imports
}

/** Whether a file does nothing but pass other files' exports on. */
export function isBarrel({ code }: ScannedSource): boolean {
  const reexport = /\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^{}]*\})\s*from\s*(['"])\s*\1\s*;?/g
  const list = /\bexport\s+(?:type\s+)?\{[^{}]*\}\s*;?/g
  const imported = /\bimport\b[^;'"`()]*(['"])\s*\1\s*;?/g
  const withoutReexports = code.replace(reexport, '')
  const rest = withoutReexports.replace(list, '')
  const passesOn = withoutReexports !== code || rest !== withoutReexports
  return passesOn && rest.replace(imported, '').trim() === ''
}
