/**
 * Takes the place of the package `entities`, of which Markdown needs this function alone: its table of names is as large as the rest of
 * Markdown, and every browser has one.
 */
const element = document.createElement('textarea')

/** @param entity `&…;`. @returns what it stands for; a name that is none as it is */
export function decodeHTMLStrict(entity: string): string {
  element.innerHTML = entity
  const text = element.textContent
  // Of `&notit;` a page would take `&not`, for old times' sake.
  return text.endsWith(';') && text !== ';' ? entity : text
}
