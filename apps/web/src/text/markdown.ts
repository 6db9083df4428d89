/**
 * Markdown to HTML that is safe to show. A note may come from anywhere: HTML in it is shown as text, and what is made of it is
 * sanitised once more. Images are not fetched: each becomes a button that names its host, until the person allows that host.
 */
import DOMPurify from 'dompurify'
import { type Blocks, htmlOf, type MarkdownOptions, parseMarkdown, SAFE_LINK } from '#text/markdown-html'

const ALLOWED_TAGS =
  'a abbr b blockquote br button code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img input ins kbd li mark ol p pre s span strong sub sup table tbody td th thead tr ul'.split(
    ' ',
  )
const ALLOWED_ATTRIBUTES =
  'align alt class checked data-blocked-image data-host data-image disabled height href src start target rel tabindex title type colspan rowspan width'.split(
    ' ',
  )

const CONFIG = {
  ALLOWED_TAGS,
  ALLOWED_ATTR: ALLOWED_ATTRIBUTES,
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: SAFE_LINK,
  // Every other attribute is no address, and would be taken out as a bad one.
  ADD_URI_SAFE_ATTR: ALLOWED_ATTRIBUTES.filter((name) => name !== 'href' && name !== 'src'),
}

export const renderMarkdown = (text: string, options: MarkdownOptions): string =>
  DOMPurify.sanitize(htmlOf(parseMarkdown(text), options), CONFIG)

/** HTML of each of these blocks, which were gone into; sanitised together, since what that takes is mostly for beginning it. */
export function renderEach(all: readonly Blocks[], options: MarkdownOptions): string[] {
  const htmls = all.map((blocks) => htmlOf(blocks, options))
  const together = DOMPurify.sanitize(htmls.map((html) => `<div>${html}</div>`).join(''), { ...CONFIG, RETURN_DOM_FRAGMENT: true })
  const parts = [...together.children].map(({ innerHTML }) => innerHTML)
  // HTML that does not end what it begins would run into the next: then each by itself.
  return parts.length === htmls.length ? parts : htmls.map((html) => DOMPurify.sanitize(html, CONFIG))
}
