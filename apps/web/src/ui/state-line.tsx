/** Where everything is, in words, always true: what waits, since when it is in step, what the person has to do. */
import { t } from '#strings/strings'
import { shortTime } from '#text/when'
import { useStatus } from '#ui/status'

const VERSION: string = import.meta.env['VITE_VERSION'] ?? '0.1.0'

export function StateLine({ onClick }: { readonly onClick: () => void }) {
  const { value: status } = useStatus()
  return (
    <button type="button" className="state-line" onClick={onClick} title={t.appInfo}>
      <span className={`state state-${status?.state ?? 'local'}`}>{status === undefined ? t.loading : stateText(status)}</span>
      <span className="version">{t.version(VERSION)}</span>
    </button>
  )
}

type Status = NonNullable<ReturnType<typeof useStatus>['value']>

function stateText({ state, pending, lastSyncedAt }: Status): string {
  if (state === 'pending') return t.state.pending(pending)
  if (state === 'synced') return t.state.synced(shortTime(lastSyncedAt ?? Date.now(), Date.now()))
  return t.state[state]
}
