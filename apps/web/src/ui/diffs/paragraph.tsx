/** One paragraph of a diff, with its star and what was summed up of the pages that it links to. Starring moves nothing. */
import type { Tldr } from '@lockstep/model/tldrs'
import { memo } from 'react'
import { t } from '#strings/strings'
import { SAFE_LINK } from '#text/markdown-html'
import type { ParagraphBlock } from '#text/paragraph-blocks'
import { Icon } from '#ui/icons'
import { onImageClick } from '#ui/image-click'

function Summary({ tldr: { text, url } }: { readonly tldr: Tldr }) {
  const host = SAFE_LINK.test(url) ? URL.parse(url)?.host : undefined
  return (
    <aside className="tldr">
      <strong>{t.diffs.reading.tldr}</strong> {text}{' '}
      {host !== undefined && (
        <a href={url} target="_blank" rel="noopener noreferrer">
          {host}
        </a>
      )}
    </aside>
  )
}

export interface ParagraphProps {
  readonly index: number
  readonly of: number
  readonly block: ParagraphBlock
  /** Sanitised; undefined: it is shown as it was typed. */
  readonly html: string | undefined
  readonly tldrs: readonly Tldr[] | undefined
  readonly starred: boolean
  /** Tab comes to it. */
  readonly current: boolean
  readonly marked: boolean
  readonly onStar: (index: number) => void
}

export const Paragraph = memo(function Paragraph({
  index,
  of,
  block,
  html,
  tldrs,
  starred,
  current,
  marked,
  onStar,
}: ParagraphProps) {
  const { reading } = t.diffs
  const label = [reading.paragraph(index + 1, of), starred && reading.starred].filter(Boolean).join(', ')
  return (
    // biome-ignore lint/a11y/useSemanticElements: it is no set of fields
    <div
      role="group"
      className={['paragraph', starred && 'starred', marked && 'marked'].filter(Boolean).join(' ')}
      data-paragraph={index}
      data-continues={block.continues}
      tabIndex={current ? 0 : -1}
      aria-label={label}
    >
      {html === undefined ? (
        <p className="as-typed">{block.source}</p>
      ) : (
        // biome-ignore lint/a11y/useKeyWithClickEvents: what is clicked is a button inside, which keyboards reach
        // biome-ignore lint/a11y/noStaticElementInteractions: as above
        // biome-ignore lint/security/noDangerouslySetInnerHtml: it has been sanitised
        <div className="markdown" onClick={onImageClick} dangerouslySetInnerHTML={{ __html: html }} />
      )}
      {tldrs?.map((tldr) => (
        <Summary key={tldr.id} tldr={tldr} />
      ))}
      <button
        type="button"
        className="icon-button star"
        aria-pressed={starred}
        aria-label={reading.star(index + 1)}
        title={starred ? reading.unstar(index + 1) : reading.star(index + 1)}
        tabIndex={current ? 0 : -1}
        onClick={() => onStar(index)}
      >
        <Icon name="star" />
      </button>
    </div>
  )
})
