/** Signed in: where everything is, the sync button, how it syncs by itself, and the ways to devices and keys. */
import { useState } from 'react'
import { isRecoveryUnproven } from '#local/recovery-proof'
import { readMode, type SyncMode, writeMode } from '#local/sync-mode'
import { t } from '#strings/strings'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useActivity } from '#ui/activity'
import { Icon } from '#ui/icons'
import { shownState, stateText, stoppedFor } from '#ui/state-line'
import type { Status } from '#ui/status'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

/** What the panel leads to. */
export type AccountView = 'sheet' | 'devices' | 'share' | 'password' | 'remove' | 'sign-out'

interface SignedInPanelProps {
  readonly status: Status
  readonly onView: (view: AccountView) => void
}

export function SignedInPanel({ status, onView }: SignedInPanelProps) {
  const client = useVault()
  const toast = useToast()
  const activity = useActivity()
  const [mode, setMode] = useState<SyncMode>(readMode)
  const { passphrase, vault = '', server = '' } = status.profile
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const syncing = busy || activity?.syncing === true
  const stopped = stoppedFor(status, activity)
  const a = t.account

  function sync(): void {
    void attempt(async () => {
      const { uploaded, downloaded } = await client.sync()
      toast({ text: a.synced(uploaded.segments, downloaded.segments) })
    })
  }
  function choose(next: SyncMode): void {
    setMode(next)
    writeMode(next)
    void attempt(() => client.watch(next))
  }
  return (
    <div className="signed-in">
      <div>
        <p className={`state state-${shownState(status, activity)}`}>{stateText(status, activity)}</p>
        <p className="help">{a.signedInAs(vault, server)}</p>
      </div>
      {status.problems.map(({ code, subject, detail }) => (
        <div className="problem" key={`${code} ${subject}`}>
          <p>{t.said(detail)}</p>
          {a.problems[code] !== undefined && <p>{a.problems[code]}</p>}
        </div>
      ))}
      {stopped !== undefined && stopped.text !== trouble?.text && (
        <div className="problem">
          <p>{stopped.text}</p>
        </div>
      )}
      <div className="sync">
        <button type="button" className="primary" disabled={syncing} onClick={sync}>
          <Icon name="sync" /> {syncing ? t.state.syncing : a.sync}
        </button>
        <Progress />
      </div>
      <TroubleText trouble={trouble} />
      <label>
        {a.mode}
        <select value={mode} onChange={({ target }) => choose(target.value as SyncMode)}>
          {(['manual', 'auto', 'live'] as const).map((choice) => (
            <option key={choice} value={choice}>
              {a.modes[choice]}
            </option>
          ))}
        </select>
      </label>
      {passphrase !== undefined && isRecoveryUnproven() && (
        <div className="problem mild">
          <p>{a.recovery.unproven}</p>
          <button type="button" className="link" onClick={() => onView('sheet')}>
            {a.recovery.showAgain}
          </button>
        </div>
      )}
      <nav className="ways" aria-label={t.appInfo}>
        <Way onClick={() => onView('devices')}>{a.devices.title}</Way>
        <Way onClick={() => onView('share')}>{t.profiles.share.way}</Way>
        <Way onClick={() => onView('password')}>{a.change.title}</Way>
        {passphrase !== undefined && <Way onClick={() => onView('sheet')}>{a.showPassphrase}</Way>}
        <Way onClick={() => onView('remove')}>{t.profiles.remove.way}</Way>
        <Way onClick={() => onView('sign-out')}>{a.signOut}</Way>
      </nav>
    </div>
  )
}

function Way({ onClick, children }: { readonly onClick: () => void; readonly children: string }) {
  return (
    <button type="button" onClick={onClick}>
      {children}
    </button>
  )
}

/** Takes its place also while there is none, so that nothing moves. */
function Progress() {
  const { progress } = useActivity() ?? {}
  const isShown = progress !== undefined && progress.total > 0
  return (
    <p className="progress help">
      {isShown && (
        <>
          <progress max={progress.total} value={Math.min(progress.done, progress.total)} aria-label={t.state.syncing} />
          <span>{t.account.progress[progress.phase](Math.min(progress.done, progress.total), progress.total)}</span>
        </>
      )}
    </p>
  )
}
