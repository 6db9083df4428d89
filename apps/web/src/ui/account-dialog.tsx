/** App info: where the vault is, signing in, syncing, devices and keys. */
import { t } from '#strings/strings'
import { AccountPanel } from '#ui/account/account-panel'
import { Dialog } from '#ui/dialog'

export function AccountDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title={t.appInfo} onClose={onClose}>
      <div className="account">
        <AccountPanel />
      </div>
    </Dialog>
  )
}
