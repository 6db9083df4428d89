/** Where everything is, in words, always true: what waits, since when it is in step, what the person has to do. */
import type { Activity } from '#host/keeper'
import { t } from '#strings/strings'
import { shortTime } from '#text/when'
import { useActivity } from '#ui/activity'
import { type Status, useStatus } from '#ui/status'

const VERSION: string = import.meta.env['VITE_VERSION'] ?? '0.1.0'

export function StateLine({ onClick }: { readonly onClick: () => void }) {
  const { value: status } = useStatus()
  const activity = useActivity()
  return (
    <button type="button" className="state-line" onClick={onClick} title={t.appInfo}>
      <span className={`state state-${status?.state ?? 'local'}`}>
        {status === undefined ? t.loading : stateText(status, activity)}
      </span>
      <span className="version">{t.version(VERSION)}</span>
    </button>
  )
}

const NEEDS = ['needs-password', 'needs-gate', 'problem']

/** The same while the spaces are out of sight, where somebody has to know: out of reach, or something to be done. */
export function BarState() {
  const { value: status } = useStatus()
  if (status === undefined) return null
  const isOffline = status.offlineSince !== undefined && (status.state === 'pending' || status.state === 'synced')
  if (!isOffline && !NEEDS.includes(status.state)) return null
  return <p className={`bar-state state-${status.state}`}>{stateText(status)}</p>
}

type Told = Pick<Status, 'state' | 'pending' | 'lastSyncedAt' | 'offlineSince'>

/** What waits, since when it is in step, or why it is not. */
export function stateText({ state, pending, lastSyncedAt, offlineSince }: Told, activity?: Activity): string {
  if (activity?.progress !== undefined) return t.state.syncing
  if (state !== 'pending' && state !== 'synced') return t.state[state]
  const now = Date.now()
  if (offlineSince !== undefined)
    return pending > 0 ? t.account.offlineWaiting(pending) : t.account.offline(shortTime(offlineSince, now))
  return state === 'pending' ? t.state.pending(pending) : t.state.synced(shortTime(lastSyncedAt ?? now, now))
}
