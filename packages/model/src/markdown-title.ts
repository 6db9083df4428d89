/**
 * The title of a Markdown text: its first heading (CommonMark: ATX or setext), outside of front matter and fenced code.
 * Inline markup stays as it is written. Source: https://spec.commonmark.org/0.31.2/#atx-headings and #setext-headings
 */

/** A title is a name, not a text: longer ones are cut. */
const MAX_TITLE = 300
/** No more of a line is looked at: the patterns below take time with the square of a long run of spaces. */
const MAX_LINE = 1000
const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/
const ATX = /^ {0,3}#{1,6}(?:[ \t]+(.*?))?[ \t]*$/
const SETEXT = /^ {0,3}(?:=+|-+)[ \t]*$/
/** Lines that end a paragraph, so that a line of dashes after them underlines nothing. */
const NO_PARAGRAPH = /^(?: {0,3}(?:>|[-+*][ \t]|\d{1,9}[.)][ \t]|(?:\*[ \t]*){3,}$|(?:_[ \t]*){3,}$)| {4}|\t|[ \t]*$)/

/** `fileName` is what an untitled text is called by, without its `.md`. */
export function titleOf(text: string, fileName: string): string {
  const body = text.startsWith('\ufeff') ? text.slice(1) : text
  return cut(firstHeading(withoutFrontMatter(body)) ?? fileName.replace(/\.md$/i, ''))
}

/** Front matter: everything between a first line of `---` (YAML) or `+++` (TOML) and the next such line, if there is one. */
function withoutFrontMatter(text: string): string {
  const [, marker] = /^(---|\+\+\+)[ \t]*(?=\r|\n)/.exec(text) ?? []
  if (marker === undefined) return text
  const end = marker === '---' ? /(?:\r\n|\r|\n)---[ \t]*(?=\r|\n|$)/g : /(?:\r\n|\r|\n)\+\+\+[ \t]*(?=\r|\n|$)/g
  end.lastIndex = marker.length
  return end.test(text) ? text.slice(end.lastIndex) : text
}

function firstHeading(text: string): string | undefined {
  let fence: string | undefined
  let paragraph: string[] = []
  for (const line of linesOf(text)) {
    const [, opened] = FENCE.exec(line) ?? []
    if (fence !== undefined) {
      if (opened?.startsWith(fence) && line.trim() === opened) fence = undefined
      continue
    }
    if (opened !== undefined) {
      fence = opened
      paragraph = []
      continue
    }
    const atx = ATX.exec(line)
    if (atx !== null) {
      const heading = (atx[1] ?? '').replace(/(?:^|[ \t]+)#+$/, '').trim()
      if (heading !== '') return heading
      paragraph = []
    } else if (SETEXT.test(line) && paragraph.length > 0) {
      return paragraph.join(' ')
    } else if (NO_PARAGRAPH.test(line)) {
      paragraph = []
    } else {
      paragraph.push(line.trim())
    }
  }
  return undefined
}

/** One line at a time: a text of some megabytes is not split as a whole to read its first line. */
function* linesOf(text: string): Generator<string> {
  const ends = /\r\n|\r|\n/g
  let from = 0
  for (let match = ends.exec(text); match !== null; match = ends.exec(text)) {
    yield text.slice(from, Math.min(match.index, from + MAX_LINE))
    from = ends.lastIndex
  }
  yield text.slice(from, from + MAX_LINE)
}

function cut(title: string): string {
  // A cut inside a surrogate pair would leave half a character.
  return title.length <= MAX_TITLE ? title : title.slice(0, MAX_TITLE).replace(/[\ud800-\udbff]$/, '')
}
