/** What somebody published, or in a sentence why it cannot be shown. The key is in the address and goes nowhere. */
import { browserHttp } from '@lockstep/engine/platform/browser/http'
import { readLink, readPublished } from '@lockstep/engine/published'
import type { SharedDiff } from '@lockstep/protocol/share'
import { useCallback, useEffect, useState } from 'react'
import { t } from '#strings/strings'
import { dayName } from '#text/days'
import { MarkdownView } from '#ui/markdown-view'

type Trouble = 'gone' | 'broken' | 'offline' | 'insecure'

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'share-gone': 'gone',
  'bad-link': 'broken',
  'share-unreadable': 'broken',
}

async function read(): Promise<SharedDiff | Trouble> {
  if (!isSecureContext) return 'insecure'
  const { origin, pathname, hash } = location
  try {
    // Without a query: services that hand links on like to add one.
    return await readPublished(browserHttp, readLink(origin + pathname + hash))
  } catch (error) {
    return TROUBLES[String((error as { code?: unknown }).code)] ?? 'offline'
  }
}

export function SharedPage() {
  const [shown, setShown] = useState<SharedDiff | Trouble>()
  const open = useCallback(() => {
    setShown(undefined)
    void read().then(setShown)
  }, [])
  useEffect(() => {
    open()
    // Another link pasted into the same tab may differ in its key alone.
    addEventListener('hashchange', open)
    return () => removeEventListener('hashchange', open)
  }, [open])
  const name = typeof shown === 'object' ? shown.title || dayName(shown.date, 'long') || t.shared.untitled : undefined
  useEffect(() => {
    if (name !== undefined) document.title = name
  }, [name])
  return (
    <main className="shared reading" aria-busy={shown === undefined}>
      {shown === undefined && <p className="hint">{t.shared.opening}</p>}
      {typeof shown === 'string' && <Failed trouble={shown} onAgain={open} />}
      {typeof shown === 'object' && <Article diff={shown} name={name ?? ''} />}
    </main>
  )
}

function Article({ diff: { date, text }, name }: { readonly diff: SharedDiff; readonly name: string }) {
  const day = dayName(date, 'long')
  return (
    <article className="diff">
      <header>
        <h1>{name}</h1>
        {day !== '' && day !== name && (
          <p className="facts">
            <time dateTime={date}>{day}</time>
          </p>
        )}
      </header>
      <div className="diff-text">
        <MarkdownView text={text} />
      </div>
      <footer className="help">{t.shared.foot}</footer>
    </article>
  )
}

function Failed({ trouble, onAgain }: { readonly trouble: Trouble; readonly onAgain: () => void }) {
  return (
    <div className="failed" role="alert">
      <h1>{t.shared[`${trouble}Title`]}</h1>
      <p>{t.shared[trouble]}</p>
      {trouble === 'offline' && (
        <button type="button" onClick={onAgain}>
          {t.shared.again}
        </button>
      )}
    </div>
  )
}
