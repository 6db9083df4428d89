/**
 * How large an image is shown, as it stands in the Markdown: at the end of the alternative text, after a bar, its width and mostly its
 * height in CSS pixels, `![a cat|320x213](…)`. Obsidian reads and writes the same; to others it is part of the alternative text.
 */
export interface ImageSize {
  readonly width: number
  /** With it the place for the image is known before it has come. */
  readonly height?: number
}

export interface SizedAlt {
  readonly alt: string
  readonly size: ImageSize | undefined
}

/** Pixels. */
export const LEAST_WIDTH = 32

const SIZE = /\|([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?$/

export function readAlt(content: string): SizedAlt {
  const [all, width, height] = SIZE.exec(content) ?? []
  if (all === undefined) return { alt: content, size: undefined }
  const size = { width: Number(width), ...(height !== undefined && { height: Number(height) }) }
  return { alt: content.slice(0, -all.length), size }
}

/** As it stands after the bar; without a size nothing, and no bar. */
export const sizeText = ({ width, height }: ImageSize): string => (height === undefined ? `${width}` : `${width}x${height}`)
