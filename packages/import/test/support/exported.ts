/** The JSON export as a text. */
import type { LockstepVault } from '@lockstep/model/schema'
import { exportJson, type JsonExportOptions } from '#json-export'

export async function exportedJson(vault: LockstepVault, options: Omit<JsonExportOptions, 'write'>): Promise<string> {
  const pieces: string[] = []
  await exportJson(vault, { ...options, write: (text) => void pieces.push(text) })
  return pieces.join('')
}
