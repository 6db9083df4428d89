/**
 * Paragraphs as diff·log counts them, from 0: its stars and TLDRs point at these. They are what it lets people star: each item of a
 * list, and each run of lines that is neither a list nor a heading. Source: its public client, version 4.
 *
 * | a line, without the spaces around it | is |
 * | --- | --- |
 * | nothing but `-`, `*`, `•` and `.` | left out before anything else |
 * | three or more `_` | a rule: ends what came before, and is not counted |
 * | one to three `#`, a space, text | a heading: the same |
 * | `-`, `*` or `•`, a space, text | an item; all that follows up to the next item, heading or rule belongs to it, over empty lines too |
 * | empty | the end of a paragraph |
 * | any other | part of a paragraph |
 *
 * Lines of one paragraph are joined with a space.
 */
const LEFT_OUT = /^[-*\u2022.]+$/
const RULE = /^_{3,}$/
const HEADING = /^#{1,3}\s+./
const ITEM = /^[-*\u2022]\s+(.+)$/

export interface DifflogParagraph {
  readonly text: string
  /** Index of the run of lines that it begins in: the number of our own paragraph (paragraphs.ts of the model). */
  readonly run: number
}

interface Open {
  readonly isItem: boolean
  readonly run: number
  lines: string[]
}

export function difflogParagraphs(text: string): DifflogParagraph[] {
  const found: DifflogParagraph[] = []
  let open: Open | undefined
  const end = () => {
    if (open !== undefined) found.push({ text: open.lines.join(' '), run: open.run })
    open = undefined
  }
  let run = -1
  let wasBlank = true
  for (const line of text.split(/\r\n|\r|\n/).map((raw) => raw.trim())) {
    if (line !== '' && wasBlank) run++
    wasBlank = line === ''
    if (LEFT_OUT.test(line)) continue
    const [, item] = ITEM.exec(line) ?? []
    if (line === '') {
      if (open?.isItem !== true) end()
    } else if (RULE.test(line) || HEADING.test(line)) {
      end()
    } else if (item !== undefined) {
      end()
      open = { isItem: true, run, lines: [item] }
    } else {
      open ??= { isItem: false, run, lines: [] }
      open.lines.push(line)
    }
  }
  end()
  return found
}
