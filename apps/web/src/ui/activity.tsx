/** What the host is doing with the server just now. */
import { useAnswer, useVault } from '#ui/vault'

/** A name for what no table holds: the host says that it has changed. */
export const ACTIVITY = 'activity'

export function useActivity() {
  const vault = useVault()
  return useAnswer({ key: 'activity', tables: [ACTIVITY], ask: () => vault.activity() }).value
}
