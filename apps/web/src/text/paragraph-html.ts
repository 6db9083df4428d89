/** HTML of paragraphs, safe to show. */
import { renderEach } from '#text/markdown'
import { type Blocks, type MarkdownOptions, parseInlines } from '#text/markdown-html'
import type { ParagraphBlock } from '#text/paragraph-blocks'

const goneInto = new WeakSet<Blocks>()

/** Of each; undefined for one that is shown as it was typed. */
export function paragraphHtmls(paragraphs: readonly ParagraphBlock[], options: MarkdownOptions): (string | undefined)[] {
  const all = paragraphs.flatMap(({ blocks }) => blocks ?? [])
  for (const blocks of all) {
    if (goneInto.has(blocks)) continue
    parseInlines(blocks)
    goneInto.add(blocks)
  }
  const htmls = renderEach(all, options)
  return paragraphs.map(({ blocks }) => (blocks === undefined ? undefined : htmls.shift()))
}
