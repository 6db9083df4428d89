/**
 * What Enter and Tab do in a plain field of Markdown, as in the editor: lists and quotes go on, and end where nothing was written
 * into them; items move in and out. Pure, and small enough for the first screen, which has no editor yet.
 *
 * | in the line | Enter makes | on an empty one Enter makes |
 * | --- | --- | --- |
 * | `- a`, `* a`, `+ a` | the same sign | no item; of an inner one an item of the outer list |
 * | `1. a`, `1) a` | the next number | the same |
 * | `- [x] a` | `- [ ] ` | the same |
 * | `> a` | `> ` | no quote |
 *
 * In a block of code, and elsewhere, a line begins where the one before it began.
 */
export interface FieldState {
  readonly text: string
  /** What is selected; both the same where nothing is. */
  readonly from: number
  readonly to: number
}

/** Puts `insert` where `from` to `to` was, then selects. */
export interface FieldEdit {
  readonly from: number
  readonly to: number
  readonly insert: string
  readonly select: readonly [from: number, to: number]
}

const QUOTE = /^ {0,3}> ?/
const ITEM = /^(\s*)(?:[-*+]|(\d{1,9})([.)])) +(\[[ xX]\] +)?/
const FENCE = /^[\s>]*(?:```|~~~)/
const UNIT = 2

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end
}

function isInCode(text: string, start: number): boolean {
  return (
    text
      .slice(0, start)
      .split('\n')
      .filter((line) => FENCE.test(line)).length %
      2 ===
    1
  )
}

interface Markup {
  /** As it stands in the line. */
  readonly levels: readonly string[]
  readonly length: number
}

function markupOf(line: string): Markup {
  const levels: string[] = []
  let rest = line
  for (;;) {
    const [level] = QUOTE.exec(rest) ?? ITEM.exec(rest) ?? []
    if (level === undefined) return { levels, length: line.length - rest.length }
    levels.push(level)
    rest = rest.slice(level.length)
  }
}

/** The next item's sign, or the quote's own. */
function following(level: string): string {
  const [all, indent = '', number, sign, task] = ITEM.exec(level) ?? []
  if (all === undefined) return level
  const marked = number === undefined ? all.slice(0, all.length - (task?.length ?? 0)) : `${indent}${Number(number) + 1}${sign} `
  return task === undefined ? marked : `${marked}[ ] `
}

/** The innermost level goes on; an item around it is only as wide as it was. */
function goOn(levels: readonly string[]): string {
  return levels
    .map((level, i) => (i === levels.length - 1 || QUOTE.test(level) ? following(level) : ' '.repeat(level.length)))
    .join('')
}

/** Where an inner item that is empty goes: the next one of the list around it. */
function outer(text: string, start: number, level: string): string | undefined {
  const indent = level.search(/\S/)
  if (indent === 0) return undefined
  for (const line of text.slice(0, start).split('\n').reverse()) {
    const [item] = ITEM.exec(line) ?? []
    if (item !== undefined && item.search(/\S/) < indent) return following(item)
  }
  return undefined
}

/** Enter. @returns undefined where it is nothing but a line break */
export function continueMarkup({ text, from, to }: FieldState): FieldEdit | undefined {
  const start = lineStart(text, from)
  const line = text.slice(start, lineEnd(text, from))
  const { levels, length } = isInCode(text, start) ? { levels: [], length: 0 } : markupOf(line)
  const replace = (at: number, insert: string): FieldEdit => ({
    from: at,
    to,
    insert,
    select: [at + insert.length, at + insert.length],
  })
  if (levels.length === 0) {
    const [indent = ''] = /^[ \t]*/.exec(text.slice(start, from)) ?? []
    return indent === '' || indent === line ? undefined : replace(from, `\n${indent}`)
  }
  if (from - start < length) return undefined
  if (line.slice(length).trim() !== '' || from !== to) return replace(from, `\n${goOn(levels)}`)
  const last = levels.at(-1) as string
  const around = levels.slice(0, -1)
  return replace(start, (around.length === 0 ? outer(text, start, last) : undefined) ?? around.join(''))
}

/** Tab, and Shift with it. @returns undefined where there is no item or code to move: then the key leaves the field */
export function indentMarkup({ text, from, to }: FieldState, less: boolean): FieldEdit | undefined {
  const start = lineStart(text, from)
  const end = lineEnd(text, to)
  const lines = text.slice(start, end).split('\n')
  if (!isInCode(text, start) && !lines.some((line) => ITEM.test(line))) return undefined
  const moved = lines.map((line) => {
    if (less) return line.replace(new RegExp(`^ {1,${widthOf(line)}}`), '')
    return line === '' ? line : ' '.repeat(widthOf(line)) + line
  })
  const insert = moved.join('\n')
  if (insert.length === end - start) return undefined
  const shifted = Math.max(start, from + (moved[0] as string).length - (lines[0] as string).length)
  return { from: start, to: end, insert, select: [shifted, Math.max(shifted, to + insert.length - (end - start))] }
}

/** What is below a numbered item has to begin below its text. */
const widthOf = (line: string): number => (/^\s*\d{1,9}[.)] /.test(line) ? UNIT + 1 : UNIT)

/** Puts a mark around what is selected, or takes it away. @param mark `**` for bold, `_` for italic */
export function markSelection({ text, from, to }: FieldState, mark: string): FieldEdit {
  const { length } = mark
  const selected = text.slice(from, to)
  if (text.slice(from - length, from) === mark && text.slice(to, to + length) === mark) {
    return { from: from - length, to: to + length, insert: selected, select: [from - length, to - length] }
  }
  return { from, to, insert: `${mark}${selected}${mark}`, select: [from + length, to + length] }
}
