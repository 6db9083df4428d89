/** Where everything is, in words, always true: what waits, since when it is in step, what the person has to do. */
import { explain, type Trouble } from '#account/explain'
import type { Activity } from '#host/keeper'
import { HostError } from '#link/messages'
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
      <span className={`state state-${status === undefined ? 'local' : shownState(status, activity)}`}>
        {status === undefined ? t.loading : stateText(status, activity)}
      </span>
      <span className="version">{t.version(VERSION)}</span>
    </button>
  )
}

const GOES_ON: readonly Status['state'][] = ['pending', 'synced']
const NEEDS: readonly Status['state'][] = ['needs-password', 'needs-gate', 'problem']

/** The same while the spaces are out of sight, where somebody has to know: out of reach, or something to be done. */
export function BarState() {
  const { value: status } = useStatus()
  const activity = useActivity()
  if (status === undefined) return null
  const state = shownState(status, activity)
  const isOffline = status.offlineSince !== undefined && GOES_ON.includes(state)
  if (!isOffline && !NEEDS.includes(state)) return null
  return <p className={`bar-state state-${state}`}>{stateText(status, { ...activity, progress: undefined })}</p>
}

type Told = Pick<Status, 'state' | 'pending' | 'lastSyncedAt' | 'offlineSince'>

type Doing = Partial<Pick<Activity, 'progress' | 'stopped'>>

/** The device's; but where syncing has stopped for a reason that it does not know of, that is what matters. */
export function shownState({ state }: Pick<Status, 'state'>, activity: Doing | undefined): Status['state'] {
  return activity?.stopped === true && GOES_ON.includes(state) ? 'problem' : state
}

/** That reason, and what to do; none where the device's state has its own words. */
export function stoppedFor({ state, profile }: Status, activity: Activity | undefined): Trouble | undefined {
  if (activity?.failure === undefined || !activity.stopped || !GOES_ON.includes(state)) return undefined
  const { server = '', vault = '' } = profile
  return explain(new HostError(activity.failure), { server, vault, origin: location.origin })
}

/** What waits, since when it is in step, or why it is not. */
export function stateText(told: Told, activity?: Doing): string {
  const { pending, lastSyncedAt, offlineSince } = told
  const state = shownState(told, activity)
  if (activity?.progress !== undefined) return t.state.syncing
  if (state === 'not-on-server') return t.state[state](pending)
  if (state !== 'pending' && state !== 'synced') return t.state[state]
  const now = Date.now()
  if (offlineSince !== undefined)
    return pending > 0 ? t.account.offlineWaiting(pending) : t.account.offline(shortTime(offlineSince, now))
  return state === 'pending' ? t.state.pending(pending) : t.state.synced(shortTime(lastSyncedAt ?? now, now))
}
