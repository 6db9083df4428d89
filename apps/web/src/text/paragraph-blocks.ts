/**
 * A text as its paragraphs, each rendered by itself: block i is what Markdown makes of paragraph i, as the model counts them (stars point
 * at them by that count). Most blocks of Markdown lie within one paragraph. Two kinds go over blank lines, and are cut there:
 *
 * | block | is shown in each paragraph as |
 * | --- | --- |
 * | a list | a list of its own, which goes on counting; an item that has begun before has no mark |
 * | code | its lines of this paragraph, with the colours that they have in the whole |
 *
 * A paragraph of which Markdown makes nothing (link definitions, what lies too deep) is shown as it was typed.
 */
import { paragraphs } from '@lockstep/model/paragraphs'
import type { Token } from 'markdown-it'
import { type Blocks, type CodePiece, parseBlocks } from '#text/markdown-html'

export interface ParagraphBlock {
  /** Undefined where there is nothing but `source`. */
  readonly blocks: Blocks | undefined
  /** As it was typed. */
  readonly source: string
  /** It goes on with what the paragraph above began. */
  readonly continues: 'code' | 'list' | undefined
}

/** The paragraph of each line, from 0; -1 for a blank one. What is a blank line is the model's to say. */
function paragraphOfLines(lines: readonly string[]): number[] {
  let paragraph = -1
  let blank = true
  return lines.map((line) => {
    const before = blank
    blank = line.trim() === ''
    if (blank) return -1
    if (before) paragraph++
    return paragraph
  })
}

/** A container that is open, with what it takes to open it again. */
interface Open {
  readonly token: Token
  /** Of a list: items that have begun. */
  items: number
}

const copyOf = (token: Token, changes: Partial<Token>): Token =>
  Object.assign(Object.create(Object.getPrototypeOf(token)) as Token, token, changes)

const closing = (token: Token): Token =>
  copyOf(token, { type: token.type.replace(/_open$/, '_close'), nesting: -1, attrs: null, map: null })

function openedAgain({ token, items }: Open, isItemOpen: boolean): Token {
  if (token.type === 'list_item_open') return copyOf(token, { attrs: [['class', 'continued']] })
  if (token.type !== 'ordered_list_open') return copyOf(token, {})
  const start = Number(token.attrGet('start') ?? 1) + items - (isItemOpen ? 1 : 0)
  return copyOf(token, { attrs: [['start', String(start)]] })
}

class Splitter {
  readonly #lines: readonly number[]
  readonly #pieces: Token[][]
  readonly #continues: ParagraphBlock['continues'][] = []
  readonly #open: Open[] = []
  #at = 0

  constructor(lines: readonly number[], count: number) {
    this.#lines = lines
    this.#pieces = Array.from({ length: count }, () => [])
  }

  split(tokens: readonly Token[]): {
    readonly pieces: readonly Token[][]
    readonly continues: readonly ParagraphBlock['continues'][]
  } {
    for (const token of tokens) if (token.type !== 'reference_definition') this.#take(token)
    return { pieces: this.#pieces, continues: this.#continues }
  }

  #take(token: Token): void {
    if (token.nesting === -1) {
      this.#open.pop()
      this.#push(token)
      return
    }
    this.#goTo(this.#lines[token.map?.[0] ?? -1] ?? -1)
    if (token.type === 'fence' || token.type === 'code_block') {
      this.#takeCode(token)
      return
    }
    if (token.type === 'list_item_open') {
      const list = this.#open.at(-1)
      if (list !== undefined) list.items++
    }
    this.#push(token)
    if (token.nesting === 1) this.#open.push({ token, items: 0 })
  }

  #push(token: Token): void {
    this.#pieces[this.#at]?.push(token)
  }

  #goTo(paragraph: number, continues: 'code' | 'list' = 'list'): void {
    if (paragraph <= this.#at) return
    for (const { token } of this.#open.toReversed()) this.#push(closing(token))
    this.#at = paragraph
    for (const [i, open] of this.#open.entries()) this.#push(openedAgain(open, i + 1 < this.#open.length))
    if (this.#open.length > 0 || continues === 'code') this.#continues[paragraph] = continues
  }

  #takeCode(token: Token): void {
    const [first, end] = token.map ?? [0, 0]
    const lines = token.content.split('\n').slice(0, -1)
    const offset = token.type === 'fence' ? first + 1 : first
    /** Where a piece begins, and in which paragraph it is. */
    const cuts: { readonly from: number; readonly paragraph: number }[] = [{ from: 0, paragraph: this.#at }]
    const cut = (from: number, line: number) => {
      const paragraph = this.#lines[line] ?? -1
      if (paragraph > (cuts.at(-1)?.paragraph ?? -1)) cuts.push({ from, paragraph })
    }
    for (const i of lines.keys()) cut(i, offset + i)
    // The line that ends a fence may stand alone.
    for (let line = offset + lines.length; line < end; line++) cut(lines.length, line)
    if (cuts.length === 1) {
      this.#push(token)
      return
    }
    for (const [i, { from, paragraph }] of cuts.entries()) {
      this.#goTo(paragraph, 'code')
      const piece: CodePiece = { whole: token.content, from, to: cuts[i + 1]?.from ?? lines.length }
      this.#push(copyOf(token, { meta: piece as never }))
    }
  }
}

export function paragraphBlocks(text: string): ParagraphBlock[] {
  const sources = paragraphs(text)
  const lines = text.split(/\r\n|\r|\n/)
  // Lines that only the model takes for blank ones are blank for Markdown, too.
  const { tokens, env } = parseBlocks(lines.map((line) => (line.trim() === '' ? '' : line)).join('\n'))
  const { pieces, continues } = new Splitter(paragraphOfLines(lines), sources.length).split(tokens)
  return sources.map((source, i) => {
    const piece = pieces[i] ?? []
    return { source, blocks: piece.length === 0 ? undefined : { tokens: piece, env }, continues: continues[i] }
  })
}
