/** A text, rendered; of a very long one the beginning, and all of it when asked. Its HTML comes sanitised (`markdown.ts`). */
import { memo, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { useImageHosts } from '#local/image-hosts'
import { t } from '#strings/strings'
import { beginningOf, isLong, isTooLongForMarkdown } from '#text/beginning'
import { hasFence, highlighter, needHighlighter, onHighlighter } from '#text/highlighter'
import { renderMarkdown } from '#text/markdown'
import { onImageClick } from '#ui/image-click'
import { type OnImageResize, useImageHandles } from '#ui/use-image-handles'

interface MarkdownViewProps {
  readonly text: string
  /** With it images can be made wider and narrower. */
  readonly onImageResize?: OnImageResize | undefined
}

function Rendered({ text, onImageResize }: MarkdownViewProps) {
  const place = useRef<HTMLDivElement>(null)
  const allowedHosts = useImageHosts()
  const colours = useSyncExternalStore(onHighlighter, highlighter)
  const hasCode = hasFence(text)
  useEffect(() => {
    if (hasCode) needHighlighter()
  }, [hasCode])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours of code come later than the text
  const html = useMemo(
    () => renderMarkdown(text, { allowedHosts, showImage: t.showImage }),
    [text, allowedHosts, hasCode && colours],
  )
  useImageHandles(place, html, onImageResize)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: what is clicked is a button inside, which keyboards reach
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    // biome-ignore lint/security/noDangerouslySetInnerHtml: it has been sanitised
    <div className="markdown" ref={place} onClick={onImageClick} dangerouslySetInnerHTML={{ __html: html }} />
  )
}

export const MarkdownView = memo(function MarkdownView({ text, onImageResize }: MarkdownViewProps) {
  const [all, setAll] = useState(false)
  if (!isLong(text)) return <Rendered text={text} onImageResize={onImageResize} />
  if (all)
    return isTooLongForMarkdown(text) ? (
      <pre className="plain-text">{text}</pre>
    ) : (
      <Rendered text={text} onImageResize={onImageResize} />
    )
  const shown = beginningOf(text)
  return (
    <>
      <Rendered text={shown} onImageResize={onImageResize} />
      <button type="button" className="link" onClick={() => setAll(true)}>
        {t.showAll(text.length - shown.length)}
      </button>
    </>
  )
})
