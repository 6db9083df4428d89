/** Earlier texts of a note on this device, each with what the next change made of it. */
import { useMemo, useState } from 'react'
import { t } from '#strings/strings'
import { changeExcerpt } from '#text/change-excerpt'
import { differences } from '#text/differences'
import { openTexts } from '#text/open-texts'
import { shortTime } from '#text/when'
import { Dialog } from '#ui/dialog'
import { useTellFailure } from '#ui/toasts'
import { useAnswer, useVault } from '#ui/vault'

function Differences({ before, after }: { readonly before: string; readonly after: string }) {
  const parts = useMemo(() => differences(before, after), [before, after])
  if (parts.length === 0) return <p className="hint">{t.history.same}</p>
  return (
    <div className="differences">
      {parts.map((part, i) => {
        const key = `${i} ${part.kind}`
        if (part.kind === 'skipped') {
          return (
            <p className="skipped" key={key}>
              {t.history.skipped(part.lines)}
            </p>
          )
        }
        if (part.kind === 'same') return <span key={key}>{part.text}</span>
        const [Mark, said] = part.kind === 'added' ? (['ins', t.history.added] as const) : (['del', t.history.removed] as const)
        return (
          <Mark key={key}>
            <span className="sr-only">{said}: </span>
            {part.text}
          </Mark>
        )
      })}
    </div>
  )
}

/** In one line, so that one change can be told from another without opening it. */
function Excerpt({ before, after }: { readonly before: string; readonly after: string }) {
  const { removed, added } = useMemo(() => changeExcerpt(before, after), [before, after])
  if (removed === added) return <span className="hint">{before.trim().split('\n', 1)[0]}</span>
  return (
    <span className="excerpt">
      {removed !== '' && (
        <del>
          <span className="sr-only">{t.history.removed}: </span>
          {removed}
        </del>
      )}{' '}
      {added !== '' && (
        <ins>
          <span className="sr-only">{t.history.added}: </span>
          {added}
        </ins>
      )}
    </span>
  )
}

interface VersionProps {
  readonly at: number
  readonly text: string
  /** What it was replaced by. */
  readonly next: string
  readonly onRestore: () => void
}

function Version({ at, text, next, onRestore }: VersionProps) {
  const [open, setOpen] = useState(false)
  return (
    <li>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <time dateTime={new Date(at).toISOString()}>{shortTime(at, Date.now())}</time> <Excerpt before={text} after={next} />
        </summary>
        {open && (
          <>
            <p className="hint">{t.history.changed}</p>
            <Differences before={text} after={next} />
            <details>
              <summary>{t.history.whole}</summary>
              <pre>{text}</pre>
            </details>
            <button type="button" onClick={onRestore}>
              {t.history.restore}
            </button>
          </>
        )}
      </details>
    </li>
  )
}

export function HistoryDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const vault = useVault()
  const tellFailure = useTellFailure()
  const { value } = useAnswer({
    key: `history ${id}`,
    tables: ['notes'],
    ask: async () => {
      const [{ versions }, [note]] = await Promise.all([vault.noteHistory(id), vault.notes([id])])
      return { versions, text: note?.text ?? '' }
    },
  })
  const versions = value?.versions ?? []
  async function restore(version: number): Promise<void> {
    try {
      // What was typed last is one of the earlier texts then.
      await openTexts.stored()
      await vault.restoreNoteVersion(id, version, Date.now())
      onClose()
    } catch (failure) {
      tellFailure(failure)
    }
  }
  return (
    <Dialog title={t.history.title} onClose={onClose}>
      {value?.versions.length === 0 && <p>{t.history.none}</p>}
      <ul className="entries versions">
        {versions.map(({ version, at, text }, i) => (
          <Version
            key={version}
            at={at}
            text={text}
            next={versions[i - 1]?.text ?? value?.text ?? ''}
            onRestore={() => void restore(version)}
          />
        ))}
      </ul>
    </Dialog>
  )
}
