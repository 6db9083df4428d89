/** HTML of one paragraph, safe to show. */
import { renderBlocks } from '#text/markdown'
import { type Blocks, type MarkdownOptions, parseInlines } from '#text/markdown-html'

const goneInto = new WeakSet<Blocks>()

export function paragraphHtml(blocks: Blocks, options: MarkdownOptions): string {
  if (!goneInto.has(blocks)) {
    parseInlines(blocks)
    goneInto.add(blocks)
  }
  return renderBlocks(blocks, options)
}
