/**
 * One export or import after another, for one tab, whether the dialog is open or not: what runs, how far it is, what came of it. The
 * work is done by the worker that has the vault.
 */
import type { HostClient } from '#host/methods'
import type { ExportRequest, ExportResult, ImportRequest, ImportResult } from '#host/transfer-jobs'
import type { TransferProgress } from '#host/transfers'

export interface Running {
  readonly id: string
  readonly kind: 'export' | 'import'
  readonly name: string
  readonly progress: TransferProgress | undefined
  readonly stopping: boolean
  /** Another worker has begun it again. */
  readonly again: boolean
}

interface Ended {
  readonly id: string
  readonly name: string
  readonly again: boolean
}

export type Report = Ended &
  (
    | { readonly kind: 'export'; readonly result: ExportResult }
    | { readonly kind: 'import'; readonly result: ImportResult; readonly takenBack?: number }
    | { readonly kind: 'failed'; readonly of: 'export' | 'import'; readonly error: Error & { readonly code?: string | undefined } }
  )

export interface TransferState {
  readonly running: Running | undefined
  /** Of the last thing that was asked for: one for each source. */
  readonly reports: readonly Report[]
}

export type TransferClient = Pick<HostClient, 'exportNotes' | 'importNotes' | 'followTransfer' | 'stopTransfer' | 'takeBack'>

export interface TransferRunner {
  readonly state: () => TransferState
  readonly subscribe: (listener: () => void) => () => void
  /** Nothing happens while something runs. @returns what came of it, for those who do not look at the state */
  export(name: string, request: ExportRequest): Promise<readonly Report[]>
  /** As `export`: one source after the other. One that fails does not keep the next from its turn; stopping does. */
  import(sources: readonly NamedSource[]): Promise<readonly Report[]>
  stop(): void
  takeBack(id: string): Promise<void>
}

export interface NamedSource {
  readonly name: string
  readonly request: ImportRequest
}

const runners = new WeakMap<TransferClient, TransferRunner>()

/** The one of a client, which outlives the dialog. */
export function runnerOf(client: TransferClient): TransferRunner {
  const runner = runners.get(client) ?? createRunner(client)
  runners.set(client, runner)
  return runner
}

function createRunner(client: TransferClient): TransferRunner {
  let state: TransferState = { running: undefined, reports: [] }
  const listeners = new Set<() => void>()
  function change(next: Partial<TransferState>): void {
    state = { ...state, ...next }
    for (const listener of listeners) listener()
  }
  const changeRunning = (next: Partial<Running>) => {
    if (state.running !== undefined) change({ running: { ...state.running, ...next } })
  }

  async function follow(id: string): Promise<void> {
    let host: string | undefined
    for (;;) {
      const progress = await client.followTransfer(id, host)
      if (progress === undefined || state.running?.id !== id) return
      if (host !== undefined && host !== progress.host) changeRunning({ again: true })
      host = progress.host
      changeRunning({ progress })
    }
  }
  async function run(kind: Running['kind'], name: string, work: (id: string) => Promise<Report>): Promise<void> {
    const id = crypto.randomUUID()
    change({ running: { id, kind, name, progress: undefined, stopping: false, again: false } })
    const working = work(id)
    follow(id).catch(() => {})
    const report = await working.catch(
      (error: Error): Report => ({ kind: 'failed', of: kind, id, name, again: state.running?.again === true, error }),
    )
    change({ reports: [...state.reports, report] })
  }
  const isAgain = () => state.running?.again === true
  const isStopping = () => state.running?.stopping === true

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async export(name, request) {
      if (state.running !== undefined) return []
      change({ reports: [] })
      await run('export', name, async (id) => {
        const result = await client.exportNotes(id, request)
        return { kind: 'export', id, name, result, again: isAgain() }
      })
      change({ running: undefined })
      return state.reports
    },
    async import(sources) {
      if (state.running !== undefined) return []
      change({ reports: [] })
      for (const { name, request } of sources) {
        await run('import', name, async (id) => {
          const result = await client.importNotes(id, request)
          return { kind: 'import', id, name, result, again: isAgain() }
        })
        if (isStopping()) break
      }
      change({ running: undefined })
      return state.reports
    },
    stop() {
      if (state.running === undefined) return
      changeRunning({ stopping: true })
      void client.stopTransfer(state.running.id).catch(() => {})
    },
    async takeBack(id) {
      const report = state.reports.find((one) => one.id === id)
      if (report?.kind !== 'import') return
      const takenBack = await client.takeBack(report.result.added)
      change({ reports: state.reports.map((one) => (one === report ? { ...report, takenBack } : one)) })
    },
  }
}
