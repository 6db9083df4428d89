/**
 * Paragraphs of a diff, which stars point at by index, from 0. A paragraph is a run of lines that are not blank; how
 * many blank lines stand between two does not matter to the index. Line ends become `\n`.
 */
export function paragraphs(text: string): string[] {
  const found: string[] = []
  let lines: string[] = []
  const end = () => {
    if (lines.length > 0) found.push(lines.join('\n'))
    lines = []
  }
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line.trim() === '') end()
    else lines.push(line.trimEnd())
  }
  end()
  return found
}
