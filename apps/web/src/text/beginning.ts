/**
 * How much of a text is shown at once. Markdown of any kind takes time that grows with its length, hostile Markdown several times
 * as much: the beginning is always quick, a whole book is Markdown only up to a length that still does not freeze the page.
 */

/** A text up to this long is shown whole, of a longer one its beginning. UTF-16 units, as all lengths here. */
const BEGINNING = 20_000
/** A longer text is shown whole as it was typed, not as Markdown. */
const MOST_MARKDOWN = 200_000

export const isLong = (text: string): boolean => text.length > BEGINNING

export const isTooLongForMarkdown = (text: string): boolean => text.length > MOST_MARKDOWN

/** Ends with a whole line where there is one, and never within a character. */
export function beginningOf(text: string): string {
  if (!isLong(text)) return text
  const line = text.lastIndexOf('\n', BEGINNING)
  // A line that is most of it is cut.
  if (line > BEGINNING / 2) return text.slice(0, line)
  return text.slice(0, BEGINNING).replace(/[\ud800-\udbff]$/, '')
}
