/** App info's contents: signing in, or what there is to see and do when signed in, one view at a time. */
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { forgetInvitation, useInvitation } from '#account/invitation'
import type { Recovery } from '#account/recovery'
import { FIRST_PROFILE, shownProfile } from '#local/profiles'
import { isRecoveryUnproven } from '#local/recovery-proof'
import { t } from '#strings/strings'
import { ChangePasswordForm } from '#ui/account/change-password-form'
import { DevicesPanel } from '#ui/account/devices-panel'
import { JoinElsewhere } from '#ui/account/join-elsewhere'
import { PasswordAgain } from '#ui/account/password-again'
import { RecoverySheet } from '#ui/account/recovery-sheet'
import { RemovalForm } from '#ui/account/removal-form'
import { SharePanel } from '#ui/account/share-panel'
import { SignInForm } from '#ui/account/sign-in-form'
import { RemoveProfileForm, SignOutForm } from '#ui/account/sign-out-form'
import { type AccountView, SignedInPanel } from '#ui/account/signed-in-panel'
import { Icon } from '#ui/icons'
import { type Status, useStatus } from '#ui/status'
import { StorageNote, useStorage } from '#ui/storage'

const signedIn = ({ state, profile }: Status): boolean => profile.signedIn || state === 'needs-password'

export function AccountPanel() {
  const { value: status } = useStatus()
  const [made, setMade] = useState<Recovery>()
  const [view, setView] = useState<AccountView>()
  const invitation = useInvitation()
  const isStored = useStorage() === 'browser'
  const joining = useRef(false)
  useEffect(() => {
    if (status === undefined || invitation === undefined) return
    if (!signedIn(status)) joining.current = true
    // Followed: this profile is in that vault now.
    else if (joining.current || invitation.vault === status.profile.vault) forgetInvitation()
  }, [status, invitation])
  if (status === undefined) return <p className="help">{t.loading}</p>
  const back = () => setView(undefined)
  if (made !== undefined) return <RecoverySheet recovery={made} prove onDone={() => setMade(undefined)} />
  if (invitation !== undefined && !joining.current && signedIn(status)) return <JoinElsewhere invitation={invitation} />
  if (status.state === 'needs-password' && view !== 'sign-out') {
    return (
      <>
        <PasswordAgain profile={status.profile} heading="h3" />
        <nav className="ways" aria-label={t.appInfo}>
          <button type="button" onClick={() => setView('sign-out')}>
            {t.account.signOut}
          </button>
        </nav>
      </>
    )
  }
  if (!signedIn(status)) {
    const { state, pending, profile } = status
    if (view === 'sign-out')
      return (
        <Inner onBack={back}>
          <RemoveProfileForm pending={pending} />
        </Inner>
      )
    const hasSomething = state !== 'local' || pending > 0 || shownProfile !== FIRST_PROFILE
    return (
      <>
        {status.problems.some(({ code }) => code === 'vault-removed') && <p className="problem">{t.profiles.trouble.removed}</p>}
        <SignInForm key={invitation?.vault} last={profile} invitation={invitation} onSignedIn={setMade} />
        <StorageNote />
        {isStored && hasSomething && (
          <nav className="ways" aria-label={t.profiles.title}>
            <button type="button" onClick={() => setView('sign-out')}>
              {t.account.out.removeWay}
            </button>
          </nav>
        )}
      </>
    )
  }
  if (view === undefined) {
    return (
      <>
        <SignedInPanel status={status} onView={setView} />
        <StorageNote />
      </>
    )
  }
  return (
    <Inner onBack={back}>
      <View view={view} status={status} onView={setView} onBack={back} />
    </Inner>
  )
}

function Inner({ onBack, children }: { readonly onBack: () => void; readonly children: ReactNode }) {
  return (
    <>
      <button type="button" className="link back" onClick={onBack}>
        <Icon name="back" /> {t.account.back}
      </button>
      {children}
    </>
  )
}

interface ViewProps {
  readonly view: AccountView
  readonly status: Status
  readonly onView: (view: AccountView) => void
  readonly onBack: () => void
}

function View({ view, status, onView, onBack }: ViewProps) {
  const { server = '', vault = '', passphrase } = status.profile
  const common = { server, vault, hasPassphrase: passphrase !== undefined }
  switch (view) {
    case 'devices':
      return <DevicesPanel {...common} onNewPassphrase={() => onView('sheet')} />
    case 'share':
      return <SharePanel server={server} vault={vault} passphrase={passphrase} />
    case 'remove':
      return <RemovalForm server={server} vault={vault} onDone={onBack} />
    case 'password':
      return <ChangePasswordForm {...common} onDone={(renewed) => (renewed ? onView('sheet') : onBack())} />
    case 'sign-out': {
      const sheet = passphrase !== undefined && isRecoveryUnproven() ? () => onView('sheet') : undefined
      return <SignOutForm server={server} vault={vault} pending={status.pending} onSheet={sheet} onDone={onBack} />
    }
    case 'sheet':
      if (passphrase === undefined) return <p>{t.account.noneToShow}</p>
      return <RecoverySheet recovery={{ server, vault, passphrase }} prove={isRecoveryUnproven()} onDone={onBack} />
  }
}
