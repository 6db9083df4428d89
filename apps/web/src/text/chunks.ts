/** A long text's paragraphs in chunks: each is laid out only when it comes near, and until then as high as it will about be. */
import type { ParagraphBlock } from '#text/paragraph-blocks'

/** UTF-16 units; a chunk is about a screen. */
const CHUNK = 2500
const MOST_PARAGRAPHS = 24
/** Of the reading view: characters of a line, its height, and what is between two paragraphs. Pixels. */
const LINE_LENGTH = 68
const LINE_HEIGHT = 30
const GAP = 18

export interface Chunk {
  /** Index of its first paragraph. */
  readonly from: number
  /** Index behind its last. */
  readonly to: number
  /** Pixels, about. */
  readonly height: number
}

const heightOf = ({ source }: ParagraphBlock): number =>
  source.split('\n').reduce((lines, line) => lines + Math.max(1, Math.ceil(line.length / LINE_LENGTH)), 0) * LINE_HEIGHT + GAP

export function chunksOf(blocks: readonly ParagraphBlock[]): Chunk[] {
  const chunks: Chunk[] = []
  let from = 0
  let length = 0
  let height = 0
  const end = (to: number) => {
    if (to > from) chunks.push({ from, to, height })
    from = to
    length = 0
    height = 0
  }
  for (const [i, block] of blocks.entries()) {
    length += block.source.length
    height += heightOf(block)
    // Code that goes on stays together: there is no gap within it.
    if ((length >= CHUNK || i + 1 - from >= MOST_PARAGRAPHS) && blocks[i + 1]?.continues !== 'code') end(i + 1)
  }
  end(blocks.length)
  return chunks
}
