/** What a tab may ask about exporting and importing. What does it is loaded with the first one. */
import type { AddedRows } from '@lockstep/import/take-back'
import type { LockstepVault } from '@lockstep/model/schema'
import type { ExportRequest, ExportResult, ImportRequest, ImportResult } from '#host/transfer-jobs'
import { Transfers } from '#host/transfers'
import { loadPart } from '#loading/load-part'

const jobs = () => loadPart(() => import('#host/transfer-jobs'))

export function transferMethods(vault: LockstepVault) {
  const transfers = new Transfers()
  return {
    /** @throws ImportError; ModelError `no-such-space` */
    exportNotes: (id: string, request: ExportRequest): Promise<ExportResult> =>
      transfers.run(id, async (transfer) => (await jobs()).exportNotes(vault, request, transfer)),
    /** @throws ImportError; EngineError */
    importNotes: (id: string, request: ImportRequest): Promise<ImportResult> =>
      transfers.run(id, async (transfer) => (await jobs()).importNotes(vault, request, transfer)),
    /** @param host of the progress that the asker has */
    followTransfer: (id: string, host?: string) => transfers.follow(id, host),
    stopTransfer: (id: string): void => transfers.stop(id),
    /** @returns how many notes went to the trash */
    takeBack: async (added: AddedRows): Promise<number> => (await jobs()).takeImportBack(vault, added),
  }
}
