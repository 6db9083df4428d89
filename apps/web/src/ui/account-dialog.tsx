/** App info: where the vault is, signing in, syncing, devices and keys. */
import { t } from '#strings/strings'
import { AccountPanel } from '#ui/account/account-panel'
import { Dialog } from '#ui/dialog'
import { LanguageChoice } from '#ui/language-choice'

interface AccountDialogProps {
  /** To export and import; absent where that cannot be opened from. */
  readonly onTransfer?: () => void
  readonly onClose: () => void
}

export function AccountDialog({ onTransfer, onClose }: AccountDialogProps) {
  return (
    <Dialog title={t.appInfo} onClose={onClose}>
      <div className="account">
        <AccountPanel />
        {onTransfer !== undefined && (
          <nav className="ways" aria-label={t.transfer}>
            <button type="button" onClick={onTransfer}>
              {t.transfer}
            </button>
          </nav>
        )}
        <LanguageChoice />
      </div>
    </Dialog>
  )
}
