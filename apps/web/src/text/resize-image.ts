/**
 * Writes an image's size into a Markdown text. Where an image stands in its text the parser does not say, and brackets may be in
 * code, escaped or in each other; so each place where it could be is tried, until the text reads as it should: the same images,
 * and this one with its new size.
 */
import { type ImageSize, readAlt, sizeText } from '#text/image-size'
import { parseMarkdown } from '#text/markdown-html'

/** So many places are tried: each costs reading the text. */
const MOST_TRIED = 200

interface FoundImage {
  readonly source: string
  readonly content: string
}

function imagesIn(text: string): readonly FoundImage[] {
  return parseMarkdown(text)
    .tokens.flatMap(({ children }) => children ?? [])
    .filter(({ type }) => type === 'image')
    .map((token) => ({ source: String(token.attrGet('src') ?? ''), content: token.content }))
}

const isSame = (a: readonly FoundImage[], b: readonly FoundImage[]): boolean =>
  a.length === b.length && a.every(({ source, content }, i) => source === b[i]?.source && content === b[i].content)

/**
 * @param index of the image, in the order of the text
 * @param size undefined for its own
 * @returns undefined where it cannot be written: the image is not there, or its alternative text is the name of a reference
 */
export function resizeImage(text: string, index: number, size: ImageSize | undefined): string | undefined {
  const before = imagesIn(text)
  const image = before[index]
  if (image === undefined) return undefined
  const { alt } = readAlt(image.content)
  const content = size === undefined ? alt : `${alt}|${sizeText(size)}`
  const after = before.with(index, { ...image, content })
  let tried = 0
  for (const { index: end } of text.matchAll(/\](?=[([])/g)) {
    const start = text.lastIndexOf('![', end)
    if (start === -1) continue
    const [written = ''] = /(?:\\?\|[1-9]\d{0,3}(?:x[1-9]\d{0,3})?)?$/.exec(text.slice(start + 2, end)) ?? []
    // In a table a bar on its own would end the cell.
    for (const bar of ['|', '\\|']) {
      if (++tried > MOST_TRIED) return undefined
      const next = text.slice(0, end - written.length) + (size === undefined ? '' : bar + sizeText(size)) + text.slice(end)
      if (isSame(imagesIn(next), after)) return next
    }
  }
  return undefined
}
