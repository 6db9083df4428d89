/** App info: where the vault is, signing in, syncing, devices and keys. Fetched when it is opened: most days nobody does. */
import { lazy, Suspense } from 'react'
import { t } from '#strings/strings'
import { Dialog } from '#ui/dialog'

const AccountPanel = lazy(() => import('#ui/account/account-panel').then((module) => ({ default: module.AccountPanel })))

export function AccountDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title={t.appInfo} onClose={onClose}>
      <div className="account">
        <Suspense>
          <AccountPanel />
        </Suspense>
      </div>
    </Dialog>
  )
}
