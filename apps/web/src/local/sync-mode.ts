/** How this browser syncs: the person's choice, kept here. */
const KEY = 'lockstep/sync-mode'
const MODES = ['manual', 'auto', 'live'] as const

export type SyncMode = (typeof MODES)[number]

export function readMode(): SyncMode {
  try {
    const stored = localStorage.getItem(KEY)
    return MODES.find((mode) => mode === stored) ?? 'auto'
  } catch {
    return 'auto'
  }
}

export function writeMode(mode: SyncMode): void {
  try {
    localStorage.setItem(KEY, mode)
  } catch {
    // It then holds until the page is closed.
  }
}
