/**
 * Exporting from the vault and importing into it while people go on typing: small transactions, and between two of them whoever else
 * asks has a turn. An import that dies with its worker has imported a part; the next worker does it again from the beginning,
 * which changes nothing of what is there already. An export into a file shows in the file only when it is whole.
 */
import { browserHttp } from '@lockstep/engine/platform/browser/http'
import { type GivenFile, listFile } from '@lockstep/import/blob-file'
import { importDataansFile } from '@lockstep/import/dataans/file-import'
import type { DataansImportSummary } from '@lockstep/import/dataans/server-import'
import type { DifflogImportSummary } from '@lockstep/import/difflog/server-import'
import { ImportError } from '@lockstep/import/errors'
import { exportJson, type JsonExportSummary } from '@lockstep/import/json-export'
import { importJson, type JsonImportSummary } from '@lockstep/import/json-import'
import { jsonKind } from '@lockstep/import/json-kind'
import { treeOf } from '@lockstep/import/list-tree'
import { exportMarkdown, type MarkdownExportSummary } from '@lockstep/import/markdown-export'
import { importMarkdown, type MarkdownImportSummary } from '@lockstep/import/markdown-import'
import type { Pace } from '@lockstep/import/pace'
import { type AddedRows, takeBack } from '@lockstep/import/take-back'
import { WebSource } from '@lockstep/import/web-source'
import { openZip } from '@lockstep/import/zip-destination'
import { readZip } from '@lockstep/import/zip-tree'
import type { LockstepVault } from '@lockstep/model/schema'
import { type ExportSink, openSink } from '#host/export-sink'
import type { RunningTransfer } from '#host/transfers'
import { dayOf } from '#text/days'

export interface ExportRequest {
  readonly format: 'markdown' | 'json'
  /** Id of the one space that is wanted. */
  readonly space?: string | undefined
  /** Where the person wants it; absent: it comes back as a Blob. */
  readonly file?: FileSystemFileHandle | undefined
}

export type ExportResult = { readonly blob: Blob | undefined } & (
  | { readonly format: 'markdown'; readonly summary: MarkdownExportSummary }
  | { readonly format: 'json'; readonly summary: JsonExportSummary }
)

export type ImportRequest =
  /** A tree of files, or some files. */
  | { readonly from: 'files'; readonly name: string; readonly files: readonly GivenFile[] }
  | { readonly from: 'zip'; readonly name: string; readonly file: Blob }
  | { readonly from: 'json'; readonly name: string; readonly file: Blob }
  | { readonly from: 'dataans'; readonly server: string; readonly password: string; readonly passphrase: string }
  | { readonly from: 'difflog'; readonly server: string; readonly profile: string; readonly password: string }

export type ImportResult = { readonly added: AddedRows } & (
  | { readonly kind: 'markdown'; readonly summary: MarkdownImportSummary }
  | { readonly kind: 'json'; readonly summary: JsonImportSummary }
  | { readonly kind: 'dataans'; readonly summary: DataansImportSummary }
  | { readonly kind: 'difflog'; readonly summary: DifflogImportSummary }
)

/** Rows in one transaction, with which a letter that is typed meanwhile waits a few hundredths of a second. */
const ROWS = 100
/** An export works for so long before others have a turn. Milliseconds. */
const TURN = 10
/** Bytes: a JSON text is read as a whole, and engines have a limit for one. */
const MAX_JSON_BYTES = 400 * 1024 * 1024

const nextTurn = () => new Promise<void>((resolve) => setTimeout(resolve))
const PACE: Pace = { rows: ROWS, pause: nextTurn }

function turns(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < TURN) return
    await nextTurn()
    since = performance.now()
  }
}

export async function exportNotes(
  vault: LockstepVault,
  { format, space, file }: ExportRequest,
  transfer: RunningTransfer,
): Promise<ExportResult> {
  const sink = await openSink(format === 'json' ? 'application/json' : 'application/zip', file)
  const common = { space, signal: transfer.signal, onProgress: progressOf(transfer, 'exporting') }
  return format === 'json' ? asJson(vault, sink, common) : asZip(vault, sink, common)
}

type ExportOptions = NonNullable<Parameters<typeof exportMarkdown>[2]>

async function asZip(vault: LockstepVault, sink: ExportSink, options: ExportOptions): Promise<ExportResult> {
  const zip = openZip(sink.writable)
  const turn = turns()
  try {
    const destination = {
      ...zip,
      async writeFile(...file: Parameters<typeof zip.writeFile>) {
        await zip.writeFile(...file)
        await turn()
      },
    }
    const summary = await exportMarkdown(vault, destination, options)
    await zip.finish()
    return { format: 'markdown', summary, blob: sink.blob() }
  } catch (error) {
    await zip.abort()
    throw error
  }
}

async function asJson(vault: LockstepVault, sink: ExportSink, options: ExportOptions): Promise<ExportResult> {
  const writer = sink.writable.getWriter()
  const encoder = new TextEncoder()
  const turn = turns()
  try {
    const write = async (text: string) => {
      await writer.write(encoder.encode(text))
      await turn()
    }
    const summary = await exportJson(vault, { ...options, now: Date.now(), write })
    await writer.close()
    return { format: 'json', summary, blob: sink.blob() }
  } catch (error) {
    await writer.abort(error).catch(() => {})
    throw error
  }
}

function progressOf({ report }: RunningTransfer, step: 'exporting' | 'importing') {
  return ({ done, total }: { readonly done: number; readonly total: number }) => report(step, done, total)
}

export async function importNotes(vault: LockstepVault, request: ImportRequest, transfer: RunningTransfer): Promise<ImportResult> {
  const added = { spaces: [] as string[], notes: [] as string[] }
  const { signal, report } = transfer
  const common = {
    now: Date.now,
    signal,
    pace: PACE,
    onAdded: (table: 'spaces' | 'notes', id: string) => void added[table].push(id),
  }
  const onProgress = progressOf(transfer, 'importing')
  switch (request.from) {
    case 'files': {
      const tree = await treeOf(request.name, request.files.map(listFile))
      return { added, kind: 'markdown', summary: await importMarkdown(vault, tree, { ...common, onProgress }) }
    }
    case 'zip': {
      const tree = await readZip(request.name, request.file)
      return { added, kind: 'markdown', summary: await importMarkdown(vault, tree, { ...common, onProgress }) }
    }
    case 'json': {
      const text = await readJson(request.name, request.file)
      const kind = jsonKind(text)
      if (kind === 'lockstep') return { added, kind: 'json', summary: await importJson(vault, text, { ...common, onProgress }) }
      if (kind === undefined) {
        throw new ImportError('source-invalid', `${request.name} is no export of Lockstep or of Dataans`)
      }
      const each = (done: number, total: number) => report('importing', done, total)
      return { added, kind, summary: await importDataansFile(vault, text, { ...common, onProgress: each }) }
    }
    case 'dataans': {
      const [{ importDataansServer }, { deriveDataansKey }] = await Promise.all([
        import('@lockstep/import/dataans/server-import'),
        import('@lockstep/import/dataans/envelope'),
      ])
      const web = new WebSource({ http: browserHttp, server: request.server, now: Date.now, signal })
      const deriveKey = () => deriveDataansKey(request.password, request.passphrase)
      const steps = { Reading: 'reading', Importing: 'importing', 'Asking for files': 'files' } as const
      const summary = await importDataansServer(vault, {
        ...common,
        web,
        deriveKey,
        onProgress: (step, done, total) => report(steps[step], done, total),
      })
      return { added, kind: 'dataans', summary }
    }
    case 'difflog': {
      const { importDifflog } = await import('@lockstep/import/difflog/server-import')
      const { server, profile, password } = request
      const web = new WebSource({ http: browserHttp, server, now: Date.now, signal })
      const each = (done: number, total: number) => report('importing', done, total)
      const summary = await importDifflog(vault, { ...common, web, profile, password, dayOf, onProgress: each })
      return { added, kind: 'difflog', summary }
    }
  }
}

/** Doing it again changes nothing. @returns how many notes went to the trash */
export const takeImportBack = (vault: LockstepVault, added: AddedRows): Promise<number> => takeBack(vault, added, PACE)

async function readJson(name: string, file: Blob): Promise<string> {
  if (file.size > MAX_JSON_BYTES) {
    throw new ImportError('source-invalid', `${name} is over the limit of ${MAX_JSON_BYTES / 1024 / 1024} MiB for one JSON file`)
  }
  let bytes: ArrayBuffer
  try {
    bytes = await file.arrayBuffer()
  } catch (error) {
    throw new ImportError('source-unreadable', `${name} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new ImportError('source-invalid', `${name} is not UTF-8`, { cause: error })
  }
}
