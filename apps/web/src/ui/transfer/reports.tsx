/** What came of each export and import, to be read and copied; what an import added can be taken back. */
import { useState } from 'react'
import { explain } from '#account/explain'
import { w } from '#strings/transfer'
import { type Told, tellExport, tellImport } from '#transfer/report'
import type { Report } from '#transfer/runner'
import { useTellFailure, useToast } from '#ui/toasts'
import { useInView } from '#ui/transfer/use-in-view'
import { isStopped, titleOf } from '#ui/transfer/use-told'

interface ReportsProps {
  readonly reports: readonly Report[]
  readonly onTakeBack: (id: string) => Promise<void>
}

function tell(report: Report): Told {
  if (report.kind === 'export') return tellExport(report.result)
  if (report.kind === 'import') return tellImport(report.result)
  if (isStopped(report)) return { lines: [report.of === 'export' ? w.stoppedExport : w.stoppedImport], details: [] }
  return { lines: [explain(report.error, { server: location.origin, origin: location.origin, vault: '' }).text], details: [] }
}

export function Reports({ reports, onTakeBack }: ReportsProps) {
  return (
    <div className="reports" role="status">
      {reports.map((report) => (
        <OneReport key={report.id} report={report} onTakeBack={() => onTakeBack(report.id)} />
      ))}
    </div>
  )
}

function OneReport({ report, onTakeBack }: { readonly report: Report; readonly onTakeBack: () => Promise<void> }) {
  const toast = useToast()
  const tellFailure = useTellFailure()
  const place = useInView<HTMLElement>()
  const [busy, setBusy] = useState(false)
  const title = titleOf(report)
  const { lines, details } = tell(report)
  const all = report.again ? [...lines, w.again] : lines
  const canTakeBack = report.kind === 'import' && report.takenBack === undefined && report.result.added.notes.length > 0

  async function copy(): Promise<void> {
    await navigator.clipboard.writeText([title, ...all, ...details].join('\n'))
    toast({ text: w.copied })
  }
  async function takeBack(): Promise<void> {
    setBusy(true)
    try {
      await onTakeBack()
    } catch (error) {
      tellFailure(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <section ref={place} className={report.kind === 'failed' && !isStopped(report) ? 'report failed' : 'report'}>
      <h3>{title}</h3>
      {all.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {details.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys must reach it
        <ul className="details" tabIndex={0} aria-label={title}>
          {details.map((line, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a report does not change
            <li key={i}>{line}</li>
          ))}
        </ul>
      )}
      {report.kind === 'import' && report.takenBack !== undefined && <p>{w.undone(report.takenBack)}</p>}
      <div className="row">
        <button type="button" onClick={() => void copy().catch(tellFailure)}>
          {w.copy}
        </button>
        {canTakeBack && (
          <button type="button" disabled={busy} onClick={() => void takeBack()}>
            {w.undo}
          </button>
        )}
      </div>
    </section>
  )
}
