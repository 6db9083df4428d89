/**
 * Markdown to HTML that is safe to show. A note may come from anywhere: HTML in it is shown as text, and what is made of it is
 * sanitised once more. Images are not fetched: each becomes a button that names its host, until the person allows that host.
 */
import DOMPurify from 'dompurify'
import MarkdownIt, { type Token } from 'markdown-it'
import { highlighter } from '#text/highlighter'

const ALLOWED_TAGS =
  'a abbr b blockquote br button code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img input ins kbd li mark ol p pre s span strong sub sup table tbody td th thead tr ul'.split(
    ' ',
  )
const ALLOWED_ATTRIBUTES =
  'align alt class checked data-blocked-image data-host disabled href src start target rel tabindex title type colspan rowspan'.split(
    ' ',
  )
const SAFE_LINK = /^(?:https?:|mailto:)/i
const SAFE_IMAGE = /^https?:/i
/** Longer code is shown in one colour: finding the others takes time. UTF-16 units. */
const MOST_COLOURED = 20_000
const TASK = /^\[([ xX])\]\s+/

const markdown = new MarkdownIt({
  html: false,
  linkify: true,
  typographer: false,
  highlight: (code, language) => (code.length > MOST_COLOURED ? '' : (highlighter()?.(code, language) ?? '')),
})
markdown.validateLink = (url) => SAFE_LINK.test(url)

/** Task lists: an item that begins with [ ] or [x]. */
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

// What may have to be scrolled is reached by keyboards: code and tables.
for (const block of ['fence', 'code_block']) {
  const plain = markdown.renderer.rules[block] as NonNullable<(typeof markdown.renderer.rules)[string]>
  markdown.renderer.rules[block] = (...given) => String(plain(...given)).replace(/^<pre/, '<pre tabindex="0"')
}

const escapeHtml = (text: string | number | null): string => markdown.utils.escapeHtml(String(text ?? ''))

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

export interface MarkdownOptions {
  /** Hosts whose images are fetched. */
  readonly allowedHosts: ReadonlySet<string>
  readonly showImage: (host: string) => string
}

export function renderMarkdown(text: string, { allowedHosts, showImage }: MarkdownOptions): string {
  markdown.renderer.rules['image'] = (tokens, i) => {
    const token = tokens[i]
    const source = String(token?.attrGet('src') ?? '')
    const host = SAFE_IMAGE.test(source) ? hostOf(source) : undefined
    const alt = escapeHtml(token?.content ?? '')
    if (host === undefined) return alt
    if (allowedHosts.has(host)) return `<img src="${escapeHtml(source)}" alt="${alt}">`
    return `<button type="button" class="blocked-image" data-host="${escapeHtml(host)}"><span>${alt}</span> ${escapeHtml(showImage(host))}</button>`
  }
  markdown.renderer.rules['link_open'] = (tokens, i) =>
    `<a href="${escapeHtml(tokens[i]?.attrGet('href') ?? null)}" target="_blank" rel="noopener noreferrer">`
  markdown.renderer.rules['table_open'] = () => '<div class="wide" tabindex="0"><table>'
  // Its alignment comes as a style, which is not let through.
  markdown.renderer.rules['th_open'] = (tokens, i) => cellTag(tokens[i], 'th')
  markdown.renderer.rules['td_open'] = (tokens, i) => cellTag(tokens[i], 'td')
  markdown.renderer.rules['table_close'] = () => '</table></div>'
  return DOMPurify.sanitize(markdown.render(text), {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ALLOWED_ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP: SAFE_LINK,
    // Every other attribute is no address, and would be taken out as a bad one.
    ADD_URI_SAFE_ATTR: ALLOWED_ATTRIBUTES.filter((name) => name !== 'href' && name !== 'src'),
  })
}
