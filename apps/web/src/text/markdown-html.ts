/**
 * Markdown to HTML. HTML in it is shown as text, and only web and mail addresses become links; all the same nothing here is shown before
 * it has been sanitised (`markdown.ts`).
 *
 * A text is read in two steps, since the second is the costly one: its blocks (which lines are a list, a heading, code), and what is
 * within them (emphasis, links). A long text is read once for its blocks, and each is gone into when it is shown.
 */
import Markdown, { type Env, type MarkdownIt, type Token } from 'markdown-it'
import { highlighter } from '#text/highlighter'
import { htmlLines } from '#text/html-lines'
import { readAlt } from '#text/image-size'

export const SAFE_LINK = /^(?:https?:|mailto:)/i
const SAFE_IMAGE = /^https?:/i
/** Longer code is shown in one colour: finding the others takes time. UTF-16 units. */
const MOST_COLOURED = 20_000
const TASK = /^\[([ xX])\]\s+/

export interface Blocks {
  readonly tokens: Token[]
  /** What blocks have in common: link definitions of the whole text. */
  readonly env: Env
}

/** Of a piece of code that is shown in several: which lines of the whole it has. */
export interface CodePiece {
  readonly whole: string
  /** Index of its first line. */
  readonly from: number
  /** Index behind its last line. */
  readonly to: number
}

export interface MarkdownOptions {
  /** Hosts whose images are fetched. */
  readonly allowedHosts: ReadonlySet<string>
  readonly showImage: (host: string) => string
}

const colours = (code: string, language: string): string =>
  code.length > MOST_COLOURED ? '' : (highlighter()?.(code, language) ?? '')

function createMarkdown(): MarkdownIt {
  const markdown = new Markdown({ html: false, linkify: true, typographer: false, highlight: colours })
  markdown.validateLink = (url) => SAFE_LINK.test(url)
  // Task lists: an item that begins with [ ] or [x].
  markdown.core.ruler.after('inline', 'tasks', ({ tokens }) => {
    for (const [i, token] of tokens.entries()) {
      const item = tokens[i - 2]
      const [first] = token.children ?? []
      if (token.type !== 'inline' || item?.type !== 'list_item_open' || first?.type !== 'text') continue
      const [all, mark] = TASK.exec(first.content) ?? []
      if (all === undefined) continue
      first.content = first.content.slice(all.length)
      item.attrJoin('class', mark === ' ' ? 'task' : 'task done')
    }
  })
  return markdown
}

const markdown = createMarkdown()
const blocks = createMarkdown()
blocks.core.ruler.enableOnly(['normalize', 'block'])
const inlines = createMarkdown()
inlines.core.ruler.disable(['normalize', 'block'])

const escapeHtml = (text: string | number | null): string => markdown.utils.escapeHtml(String(text ?? ''))

/** A piece of code has the colours that it has in the whole. */
function pieceHtml(token: Token, { whole, from, to }: CodePiece): string {
  const [language = ''] = token.info.trim().split(/\s+/, 1)
  const named = language === '' ? '' : ` class="language-${escapeHtml(language)}"`
  const html = colours(whole, language) || escapeHtml(whole)
  return `<pre><code${named}>${htmlLines(html)
    .slice(from, to)
    .map((line) => `${line}\n`)
    .join('')}</code></pre>\n`
}

// What may have to be scrolled is reached by keyboards: code and tables.
for (const block of ['fence', 'code_block']) {
  const plain = markdown.renderer.rules[block] as NonNullable<(typeof markdown.renderer.rules)[string]>
  markdown.renderer.rules[block] = (...given) => {
    const [tokens, i] = given
    const token = tokens[i] as Token
    const piece = token.meta as CodePiece | null
    return (piece == null ? String(plain(...given)) : pieceHtml(token, piece)).replace(/^<pre/, '<pre tabindex="0"')
  }
}

function cellTag(token: Token | undefined, tag: 'td' | 'th'): string {
  const [, side] = /^text-align:(left|center|right)$/.exec(String(token?.attrGet('style') ?? '')) ?? []
  return side === undefined ? `<${tag}>` : `<${tag} align="${side}">`
}

function hostOf(url: string): string | undefined {
  try {
    return new URL(url).host
  } catch {
    return undefined
  }
}

/** A text's blocks, not gone into yet. */
export const parseBlocks = (text: string): Blocks => {
  const env: Env = {}
  return { tokens: blocks.parse(text, env), env }
}

/** Goes into blocks: once for each token. */
export function parseInlines({ tokens, env }: Blocks): void {
  const state = new inlines.core.State('', inlines, env)
  state.tokens = tokens
  inlines.core.process(state)
}

/** A text's blocks, gone into. */
export const parseMarkdown = (text: string): Blocks => {
  const env: Env = {}
  return { tokens: markdown.parse(text, env), env }
}

/** Not sanitised. */
export function htmlOf({ tokens, env }: Blocks, { allowedHosts, showImage }: MarkdownOptions): string {
  let images = 0
  markdown.renderer.rules['image'] = (tokens, i) => {
    const token = tokens[i]
    const source = String(token?.attrGet('src') ?? '')
    const host = SAFE_IMAGE.test(source) ? hostOf(source) : undefined
    const { alt, size } = readAlt(token?.content ?? '')
    const name = escapeHtml(alt)
    const index = images++
    if (host === undefined) return name
    if (allowedHosts.has(host)) {
      const sized = size === undefined ? '' : ` width="${size.width}"${size.height === undefined ? '' : ` height="${size.height}"`}`
      return `<span class="image"><img src="${escapeHtml(source)}" alt="${name}" data-image="${index}"${sized}></span>`
    }
    return `<button type="button" class="blocked-image" data-host="${escapeHtml(host)}"><span>${name}</span> ${escapeHtml(showImage(host))}</button>`
  }
  markdown.renderer.rules['link_open'] = (tokens, i) =>
    `<a href="${escapeHtml(tokens[i]?.attrGet('href') ?? null)}" target="_blank" rel="noopener noreferrer">`
  markdown.renderer.rules['table_open'] = () => '<div class="wide" tabindex="0"><table>'
  // Its alignment comes as a style, which is not let through.
  markdown.renderer.rules['th_open'] = (tokens, i) => cellTag(tokens[i], 'th')
  markdown.renderer.rules['td_open'] = (tokens, i) => cellTag(tokens[i], 'td')
  markdown.renderer.rules['table_close'] = () => '</table></div>'
  return markdown.renderer.render(tokens, markdown.options, env)
}
