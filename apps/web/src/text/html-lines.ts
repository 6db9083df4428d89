/** Lines of coloured code. */

/** Cuts HTML that has only text and spans at its line ends; spans that go over one are closed before it and opened again behind it. */
export function htmlLines(html: string): string[] {
  const lines: string[] = []
  const open: string[] = []
  let line = ''
  for (const [part] of html.matchAll(/<\/span>|<span[^>]*>|\n|[^<\n]+|</g)) {
    if (part === '\n') {
      lines.push(line + '</span>'.repeat(open.length))
      line = open.join('')
      continue
    }
    if (part === '</span>') open.pop()
    else if (part.startsWith('<span')) open.push(part)
    line += part
  }
  lines.push(line)
  return lines
}
