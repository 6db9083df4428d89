/** Earlier texts of a note on this device. */
import { t } from '#strings/strings'
import { shortTime } from '#text/when'
import { Dialog } from '#ui/dialog'
import { useAnswer, useVault } from '#ui/vault'

export function HistoryDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const vault = useVault()
  const { value } = useAnswer({ key: `history ${id}`, tables: ['notes'], ask: () => vault.noteHistory(id) })
  return (
    <Dialog title={t.history.title} onClose={onClose}>
      {value?.versions.length === 0 && <p>{t.history.none}</p>}
      <ul className="entries versions">
        {value?.versions.map(({ version, at, text }) => (
          <li key={version}>
            <details>
              <summary>
                <time dateTime={new Date(at).toISOString()}>{shortTime(at, Date.now())}</time>
              </summary>
              <pre>{text}</pre>
            </details>
            <button type="button" onClick={() => void vault.restoreNoteVersion(id, version, Date.now()).then(onClose)}>
              {t.history.restore}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
