/** Public links: publishing a diff, copying its link, and taking back what is published, also of diffs that are gone. */
import { useState } from 'react'
import { explain } from '#account/explain'
import type { ShownPublication } from '#host/publishing-methods'
import { t } from '#strings/strings'
import { dayName } from '#text/days'
import { shortTime } from '#text/when'
import { Dialog } from '#ui/dialog'
import { useStatus } from '#ui/status'
import { useToast } from '#ui/toasts'
import { useDiffs } from '#ui/use-diffs'
import { useAnswer, useVault } from '#ui/vault'
import '#styles/published.css'

interface PublishedDialogProps {
  /** Id of the one that somebody came from: it can be published, or its link stands first. */
  readonly diff?: string | undefined
  readonly onAppInfo: () => void
  readonly onClose: () => void
}

export function PublishedDialog({ diff, onAppInfo, onClose }: PublishedDialogProps) {
  const vault = useVault()
  const toast = useToast()
  const { value: status } = useStatus()
  const { value: published } = useAnswer({ key: 'publications', tables: ['publications'], ask: () => vault.publications() })
  const diffs = useDiffs()
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<string>()
  const s = t.shared
  const { server = '', vault: name = '', signedIn = false } = status?.profile ?? {}

  async function attempt(work: () => Promise<string>): Promise<void> {
    setBusy(true)
    setTrouble(undefined)
    try {
      toast({ text: await work() })
    } catch (error) {
      setTrouble(explain(error, { server, vault: name, origin: location.origin }).text)
    } finally {
      setBusy(false)
    }
  }
  async function copy(link: string): Promise<string> {
    await navigator.clipboard.writeText(link)
    return s.copied
  }
  const publish = (id: string, said: string) =>
    attempt(async () => {
      await vault.publishDiff(id, Date.now())
      return said
    })
  const takeBack = ({ id }: ShownPublication) =>
    attempt(async () => {
      await vault.unpublish(id)
      return s.unpublished
    })
  if (published === undefined || status === undefined) return null
  const isNew = diff !== undefined && !published.some(({ diffId }) => diffId === diff)
  const shown = [...published].sort((a, b) => Number(b.diffId === diff) - Number(a.diffId === diff))
  return (
    <Dialog title={s.publishedList} onClose={onClose}>
      <div className="published">
        {isNew && (
          <>
            <p>{signedIn ? s.publishHint : s.signInFirst}</p>
            {signedIn ? (
              <button
                type="button"
                className="primary"
                data-first
                disabled={busy}
                onClick={() => void publish(diff, s.publishedNow)}
              >
                {s.publish}
              </button>
            ) : (
              <button type="button" className="primary" data-first onClick={onAppInfo}>
                {t.appInfo}
              </button>
            )}
          </>
        )}
        <p className="error" role="alert">
          {trouble}
        </p>
        {shown.length === 0 && !isNew && <p className="help">{s.none}</p>}
        <ul>
          {shown.map((publication) => {
            const { id, diffId, title, date, link, publishedAt } = publication
            const called = title || dayName(date, 'medium') || s.untitled
            return (
              <li key={id}>
                <p>
                  <strong>{called}</strong>
                  <small>{publishedAt === null ? s.unsure : s.since(shortTime(publishedAt, Date.now()))}</small>
                </p>
                <input readOnly value={link} aria-label={s.ofDiff(called)} onFocus={({ target }) => target.select()} />
                <div className="row">
                  <button type="button" onClick={() => void attempt(() => copy(link))}>
                    {s.copy}
                  </button>
                  {diffs?.some((one) => one.id === diffId) && (
                    <button type="button" disabled={busy || !signedIn} onClick={() => void publish(diffId, s.updated)}>
                      {s.update}
                    </button>
                  )}
                  <button type="button" className="danger" disabled={busy || !signedIn} onClick={() => void takeBack(publication)}>
                    {s.unpublish}
                  </button>
                </div>
              </li>
            )
          })}
        </ul>
      </div>
    </Dialog>
  )
}
