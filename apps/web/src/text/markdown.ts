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

/** HTML of blocks that were gone into. */
export function renderBlocks(blocks: Blocks, options: MarkdownOptions): string {
  return DOMPurify.sanitize(htmlOf(blocks, options), {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ALLOWED_ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP: SAFE_LINK,
    // Every other attribute is no address, and would be taken out as a bad one.
    ADD_URI_SAFE_ATTR: ALLOWED_ATTRIBUTES.filter((name) => name !== 'href' && name !== 'src'),
  })
}

export const renderMarkdown = (text: string, options: MarkdownOptions): string => renderBlocks(parseMarkdown(text), options)
