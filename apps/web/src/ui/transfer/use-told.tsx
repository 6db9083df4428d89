/** Tells what a transfer came to where nobody looks at the dialog any more. */
import { useEffect, useRef } from 'react'
import { w } from '#strings/transfer'
import type { Report } from '#transfer/runner'
import { useToast } from '#ui/toasts'

export function titleOf(report: Report): string {
  const { kind, name } = report
  if (kind !== 'failed') return kind === 'export' ? w.exported(name) : w.imported(name)
  if (isStopped(report)) return w.stopped(name)
  return report.of === 'export' ? w.failedExport(name) : w.failed(name)
}

export const isStopped = (report: Report & { readonly kind: 'failed' }): boolean => report.error.code === 'cancelled'

export function useTold(): (reports: readonly Report[]) => void {
  const toast = useToast()
  const open = useRef(true)
  useEffect(() => {
    open.current = true
    return () => {
      open.current = false
    }
  }, [])
  return (reports) => {
    if (open.current) return
    for (const report of reports) toast({ text: titleOf(report) })
  }
}
