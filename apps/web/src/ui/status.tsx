/** The device's state, asked anew with every change and every sync. */
import type { HostClient } from '#host/methods'
import { useAnswer, useVault } from '#ui/vault'

/** A name for what no table holds: the host says that it has changed. */
export const ACCOUNT = 'account'

/** Whatever is written waits to be sent. */
const TABLES = ['spaces', 'notes', 'diffs', 'stars', 'reading', 'profile', 'apiKeys', 'publications', ACCOUNT]

export type Status = Awaited<ReturnType<HostClient['status']>>

export function useStatus() {
  const vault = useVault()
  return useAnswer({ key: 'status', tables: TABLES, ask: () => vault.status() })
}
