/** How this browser syncs: the person's choice, kept here. */
import { kept } from '#local/kept'

const NAME = 'sync-mode'
const MODES = ['manual', 'auto', 'live'] as const

export type SyncMode = (typeof MODES)[number]

export function readMode(): SyncMode {
  const chosen = kept.read(NAME)
  return MODES.find((mode) => mode === chosen) ?? 'auto'
}

export const writeMode = (mode: SyncMode): void => kept.keep(NAME, mode)
