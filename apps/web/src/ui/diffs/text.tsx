/**
 * A diff's text, whose paragraphs are gone through and starred. However long it is, it is there at once: what is in sight is made first,
 * the rest in the pauses after it, and laid out only when it comes near.
 */
import type { Tldr } from '@lockstep/model/tldrs'
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { flushSync } from 'react-dom'
import { chordOf } from '#keys/chord'
import { useImageHosts } from '#local/image-hosts'
import { t } from '#strings/strings'
import { type Chunk, chunksOf } from '#text/chunks'
import { hasFence, highlighter, needHighlighter, onHighlighter } from '#text/highlighter'
import { type ParagraphBlock, paragraphBlocks } from '#text/paragraph-blocks'
import { paragraphHtmls } from '#text/paragraph-html'
import { Paragraph } from '#ui/diffs/paragraph'
import { WRITES } from '#ui/use-commands'

/** For so long a paragraph that was jumped to is marked. Milliseconds. */
const MARKED = 2500

/** Where to go; each object goes there once. */
export interface ParagraphJump {
  readonly paragraph?: number
}

interface DiffTextProps {
  readonly text: string
  readonly tldrs: readonly Tldr[]
  /** Paragraphs that have a star. */
  readonly starred: ReadonlySet<number>
  readonly jump: ParagraphJump
  /** A dialog has the keys. */
  readonly paused: boolean
  readonly onStar: (paragraph: number) => void
}

interface ChunkViewProps {
  readonly chunk: Chunk
  readonly blocks: readonly ParagraphBlock[]
  readonly tldrs: ReadonlyMap<number, readonly Tldr[]>
  readonly starred: ReadonlySet<number>
  /** Undefined: it is another chunk's. */
  readonly current: number | undefined
  readonly marked: number | undefined
  readonly onStar: (paragraph: number) => void
}

const hasCode = ({ blocks }: ParagraphBlock): boolean => blocks?.tokens.some(({ type }) => type === 'fence') === true

const ChunkView = memo(function ChunkView({ chunk, blocks, tldrs, starred, current, marked, onStar }: ChunkViewProps) {
  const allowedHosts = useImageHosts()
  const colours = useSyncExternalStore(onHighlighter, highlighter)
  const shown = useMemo(() => blocks.slice(chunk.from, chunk.to), [blocks, chunk])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours of code come later than the text
  const htmls = useMemo(
    () => paragraphHtmls(shown, { allowedHosts, showImage: t.showImage }),
    [shown, allowedHosts, shown.some(hasCode) && colours],
  )
  return shown.map((block, k) => {
    const index = chunk.from + k
    return (
      <Paragraph
        key={index}
        index={index}
        of={blocks.length}
        block={block}
        html={htmls[k]}
        tldrs={tldrs.get(index)}
        starred={starred.has(index)}
        current={index === current}
        marked={index === marked}
        onStar={onStar}
      />
    )
  })
})

const holds = ({ from, to }: Chunk, index: number | undefined): boolean => index !== undefined && index >= from && index < to

function byParagraph(tldrs: readonly Tldr[]): ReadonlyMap<number, readonly Tldr[]> {
  const map = new Map<number, Tldr[]>()
  for (const tldr of tldrs) map.set(tldr.paragraph, [...(map.get(tldr.paragraph) ?? []), tldr])
  return map
}

/** So many chunks are made at once. */
const AT_ONCE = 2

/** Which chunks are made: those nearest to one of them at once, the others in pauses. Also how to make them all now. */
function useMade(count: number, nearest: number): readonly [ReadonlySet<number>, () => void] {
  const [number, setNumber] = useState(AT_ONCE)
  const made = useMemo(() => {
    const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => Math.abs(a - nearest) - Math.abs(b - nearest))
    return new Set(order.slice(0, number))
  }, [count, nearest, number])
  useEffect(() => {
    if (number >= count) return
    // Behind what waits to be painted, and behind whoever does something meanwhile.
    let timer: ReturnType<typeof setTimeout> | undefined
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => setNumber(number + AT_ONCE))
    })
    return () => {
      cancelAnimationFrame(frame)
      clearTimeout(timer)
    }
  }, [number, count])
  return [made, () => setNumber(count)]
}

export function DiffText({ text, tldrs, starred, jump, paused, onStar }: DiffTextProps) {
  const blocks = useMemo(() => paragraphBlocks(text), [text])
  const chunks = useMemo(() => chunksOf(blocks), [blocks])
  const summaries = useMemo(() => byParagraph(tldrs), [tldrs])
  const [current, setCurrent] = useState(jump.paragraph ?? 0)
  const [marked, setMarked] = useState<number>()
  const root = useRef<HTMLDivElement>(null)
  const first = useRef(jump.paragraph ?? 0)
  const chunkOf = (index: number) => chunks.findIndex((chunk) => holds(chunk, index))
  const [made, makeAll] = useMade(chunks.length, Math.max(0, chunkOf(first.current)))

  useEffect(() => {
    if (hasFence(text)) needHighlighter()
  }, [text])

  const elementOf = (index: number) => root.current?.querySelector<HTMLElement>(`[data-paragraph="${index}"]`)
  function goTo(index: number, block: ScrollLogicalPosition): void {
    if (index < 0 || index >= blocks.length) return
    flushSync(() => {
      if (!made.has(chunkOf(index))) makeAll()
      setCurrent(index)
    })
    const element = elementOf(index)
    element?.focus({ preventScroll: true })
    element?.scrollIntoView({ block })
  }
  const done = useRef<ParagraphJump>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a jump is made once
  useLayoutEffect(() => {
    if (jump === done.current) return
    done.current = jump
    if (jump.paragraph === undefined) return
    const index = Math.min(jump.paragraph, blocks.length - 1)
    // Not within React's own work.
    queueMicrotask(() => {
      goTo(index, 'center')
      setMarked(index)
    })
  }, [jump])
  useEffect(() => {
    if (marked === undefined) return
    const timer = setTimeout(() => setMarked(undefined), MARKED)
    return () => clearTimeout(timer)
  }, [marked])

  /** The first that is in sight, where none has the focus. */
  function inSight(): number {
    const shown = [...(root.current?.querySelectorAll<HTMLElement>('[data-paragraph]') ?? [])]
    const top = root.current?.closest('.reading')?.getBoundingClientRect().top ?? 0
    return Number(shown.find((element) => element.getBoundingClientRect().bottom > top + 8)?.dataset['paragraph'] ?? 0)
  }
  function onKey(event: KeyboardEvent): void {
    const chord = chordOf(event)
    const focused = document.activeElement?.closest<HTMLElement>('[data-paragraph]')
    const at = focused == null || !root.current?.contains(focused) ? undefined : Number(focused.dataset['paragraph'])
    if (chord === 'J' || (chord === 'ArrowDown' && at !== undefined)) goTo(at === undefined ? inSight() : at + 1, 'nearest')
    else if (chord === 'K' || (chord === 'ArrowUp' && at !== undefined)) goTo(at === undefined ? inSight() : at - 1, 'nearest')
    else if (chord === 'S' && at !== undefined) onStar(at)
    else return
    event.preventDefault()
  }
  const keys = useRef(onKey)
  useEffect(() => {
    keys.current = onKey
  })
  useEffect(() => {
    if (paused) return
    const onKeyDown = (event: KeyboardEvent) => {
      const { target } = event
      if (event.isComposing || (target instanceof Element && target.closest(`${WRITES}, [role=dialog], [role=menu]`) !== null))
        return
      keys.current(event)
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [paused])

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only follows where the focus is
    <div
      className="diff-text"
      ref={root}
      onFocus={({ target }) => {
        const index = target.closest<HTMLElement>('[data-paragraph]')?.dataset['paragraph']
        if (index !== undefined) setCurrent(Number(index))
      }}
    >
      {chunks.map((chunk, i) => (
        <div key={chunk.from} className="chunk" style={{ containIntrinsicBlockSize: `auto ${chunk.height}px` }}>
          {made.has(i) && (
            <ChunkView
              chunk={chunk}
              blocks={blocks}
              tldrs={summaries}
              starred={starred}
              current={holds(chunk, current) ? current : undefined}
              marked={holds(chunk, marked) ? marked : undefined}
              onStar={onStar}
            />
          )}
        </div>
      ))}
    </div>
  )
}
