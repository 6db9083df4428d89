/** What is exported, and as what. */
import { type FormEvent, useState } from 'react'
import type { ExportRequest } from '#host/transfer-jobs'
import { w } from '#strings/transfer'
import { dayOf } from '#text/days'
import type { TransferRunner } from '#transfer/runner'
import { chooseFile, download } from '#transfer/save-file'
import { useTold } from '#ui/transfer/use-told'
import { useAnswer, useVault } from '#ui/vault'

const FORMATS = ['markdown', 'json'] as const
const EXTENSIONS = { markdown: 'zip', json: 'json' } as const
const EVERYTHING = ''

interface TransferFormProps {
  readonly runner: TransferRunner
  /** Something runs already. */
  readonly busy: boolean
}

export function ExportForm({ runner, busy }: TransferFormProps) {
  const vault = useVault()
  const tell = useTold()
  const { value: spaces = [] } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const [space, setSpace] = useState(EVERYTHING)
  const [format, setFormat] = useState<ExportRequest['format']>('markdown')
  const chosen = spaces.find(({ id }) => id === space)

  async function start(event: FormEvent): Promise<void> {
    event.preventDefault()
    const fileName = `${w.fileName(chosen?.name ?? w.fileNameAll, dayOf(Date.now()))}.${EXTENSIONS[format]}`
    const choice = await chooseFile(fileName)
    if (choice === 'none') return
    const file = choice === 'download' ? undefined : choice
    const reports = await runner.export(file?.name ?? fileName, { format, space: chosen?.id, file })
    for (const report of reports) {
      if (report.kind === 'export' && report.result.blob !== undefined) download(report.result.blob, report.name)
    }
    tell(reports)
  }
  return (
    <form onSubmit={(event) => void start(event)}>
      <label>
        {w.what}
        <select value={chosen?.id ?? EVERYTHING} onChange={({ target }) => setSpace(target.value)}>
          <option value={EVERYTHING}>{w.everything}</option>
          {spaces.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset className="choices column" aria-label={w.format}>
        {FORMATS.map((one) => (
          <label key={one} className="choice">
            <input type="radio" name="format" checked={format === one} onChange={() => setFormat(one)} />
            <span>
              <strong>{w.formats[one]}</strong>
              <small>{w.formatHints[one === 'json' && chosen !== undefined ? 'jsonSpace' : one]}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <p className="help">{w.plain}</p>
      <button type="submit" className="primary" disabled={busy}>
        {w.start}
      </button>
    </form>
  )
}
