/** How this browser syncs: the person's choice, kept here. */
import { keep, readKept } from '#local/kept'

const NAME = 'sync-mode'
const MODES = ['manual', 'auto', 'live'] as const

export type SyncMode = (typeof MODES)[number]

export function readMode(): SyncMode {
  const kept = readKept(NAME)
  return MODES.find((mode) => mode === kept) ?? 'auto'
}

export const writeMode = (mode: SyncMode): void => keep(NAME, mode)
