/** Taking notes out and bringing them in. What runs goes on when this is closed, and is told when it has ended. */
import { Tabs } from 'radix-ui'
import { useSyncExternalStore } from 'react'
import { w } from '#strings/transfer'
import { runnerOf } from '#transfer/runner'
import { Dialog } from '#ui/dialog'
import { ExportForm } from '#ui/transfer/export-form'
import { ImportForm } from '#ui/transfer/import-form'
import { Progress } from '#ui/transfer/progress'
import { Reports } from '#ui/transfer/reports'
import { useVault } from '#ui/vault'
import '#styles/transfer.css'

export type TransferView = 'export' | 'import'

interface TransferDialogProps {
  readonly view: TransferView
  readonly onView: (view: TransferView) => void
  readonly onClose: () => void
}

export function TransferDialog({ view, onView, onClose }: TransferDialogProps) {
  const runner = runnerOf(useVault())
  const { running, reports } = useSyncExternalStore(runner.subscribe, runner.state)
  return (
    <Dialog title={w.title} onClose={onClose}>
      <div className="transfer">
        <Tabs.Root value={view} onValueChange={(next) => onView(next as TransferView)}>
          <Tabs.List className="tabs" aria-label={w.title}>
            <Tabs.Trigger value="export">{w.exportTab}</Tabs.Trigger>
            <Tabs.Trigger value="import">{w.importTab}</Tabs.Trigger>
          </Tabs.List>
          <Tabs.Content value="export" tabIndex={-1}>
            <ExportForm runner={runner} busy={running !== undefined} />
          </Tabs.Content>
          <Tabs.Content value="import" tabIndex={-1}>
            <ImportForm runner={runner} busy={running !== undefined} />
          </Tabs.Content>
        </Tabs.Root>
        {running !== undefined && <Progress running={running} onStop={runner.stop} />}
        <Reports reports={reports} onTakeBack={runner.takeBack} />
      </div>
    </Dialog>
  )
}
