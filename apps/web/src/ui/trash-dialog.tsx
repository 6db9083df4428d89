/** What was deleted and can come back. */
import { t } from '#strings/strings'
import { shortTime } from '#text/when'
import { Dialog } from '#ui/dialog'
import { useTellFailure, useToast } from '#ui/toasts'
import { useAnswer, useVault } from '#ui/vault'

export function TrashDialog({ onClose }: { readonly onClose: () => void }) {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const { value: entries = [] } = useAnswer({ key: 'trash', tables: ['notes', 'spaces', 'diffs'], ask: () => vault.trash() })
  const restore = {
    space: vault.restoreSpace,
    diff: vault.restoreDiff,
    note: (id: string) => vault.restoreNote(id, Date.now()),
  }
  /** Nothing goes while there is an undo: a tab that is closed meanwhile leaves all as it was. */
  function empty(): void {
    onClose()
    const listed = entries.map(({ kind, id }) => ({ kind, id }))
    toast({
      text: t.trash.emptying(listed.length),
      undo: () => {},
      onGone: () => void vault.emptyTrash(listed).then((n) => toast({ text: t.trash.emptied(n) }), tellFailure),
    })
  }
  return (
    <Dialog title={t.trash.title} onClose={onClose}>
      {entries.length === 0 && <p>{t.trash.empty}</p>}
      <ul className="entries">
        {entries.map(({ id, kind, title, deletedAt }) => (
          <li key={id}>
            <span>
              <strong>{title}</strong>
              <small>
                {t.trash[kind]} · {shortTime(deletedAt, Date.now())}
              </small>
            </span>
            <button type="button" onClick={() => void restore[kind](id).catch(tellFailure)}>
              {t.trash.restore}
            </button>
          </li>
        ))}
      </ul>
      {entries.length > 0 && (
        <button type="button" className="danger" onClick={empty}>
          {t.trash.emptyNow}
        </button>
      )}
    </Dialog>
  )
}
