/** Files, folders and archives to import: chosen, or dropped anywhere on this. */
import { type ChangeEvent, type DragEvent, useRef, useState } from 'react'
import type { ImportRequest } from '#host/transfer-jobs'
import { w } from '#strings/transfer'
import type { TransferRunner } from '#transfer/runner'
import { requestOfFolder, requestsOf, requestsOfDrop } from '#transfer/sources'
import { useTellFailure, useToast } from '#ui/toasts'
import { ServerForms } from '#ui/transfer/server-forms'
import { useTold } from '#ui/transfer/use-told'

interface ImportFormProps {
  readonly runner: TransferRunner
  /** Something runs already. */
  readonly busy: boolean
}

/** Every browser has it, the types do not. */
const FOLDERS = { webkitdirectory: '' }

const nameOf = (request: ImportRequest): string => ('name' in request ? request.name : request.server)

export function ImportForm({ runner, busy }: ImportFormProps) {
  const toast = useToast()
  const tellFailure = useTellFailure()
  const tell = useTold()
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)

  async function start(requests: readonly ImportRequest[]): Promise<void> {
    if (requests.length === 0) return toast({ text: w.nothing })
    tell(await runner.import(requests.map((request) => ({ name: nameOf(request), request }))))
  }
  function chosen({ target }: ChangeEvent<HTMLInputElement>, isFolder: boolean): void {
    const list = [...(target.files ?? [])]
    // The same may be chosen again.
    target.value = ''
    void start(isFolder ? requestOfFolder(list) : requestsOf(list.map((blob) => ({ path: blob.name, blob }))))
  }
  async function drop(event: DragEvent): Promise<void> {
    event.preventDefault()
    setOver(false)
    if (busy) return toast({ text: w.busy })
    // Only now can they be asked for: after the first wait the list is gone.
    const { items, files } = event.dataTransfer
    const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
    const plain = [...files].map((blob) => ({ path: blob.name, blob }))
    try {
      // What a program dropped has no place that could be looked into.
      await start(entries.length > 0 ? await requestsOfDrop(entries) : requestsOf(plain))
    } catch (error) {
      tellFailure(error)
    }
  }
  return (
    <div className="import">
      <p>{w.sources}</p>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the buttons in it do the same */}
      <div
        className={over ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => void drop(event)}
      >
        <div className="row">
          <button type="button" className="primary" disabled={busy} onClick={() => files.current?.click()}>
            {w.files}
          </button>
          <button type="button" disabled={busy} onClick={() => folder.current?.click()}>
            {w.folder}
          </button>
        </div>
        <small>{over ? w.dropNow : w.drop}</small>
        <input ref={files} type="file" multiple hidden aria-label={w.files} onChange={(event) => chosen(event, false)} />
        <input {...FOLDERS} ref={folder} type="file" hidden aria-label={w.folder} onChange={(event) => chosen(event, true)} />
      </div>
      <p className="help">{w.layout}</p>
      <ServerForms busy={busy} onStart={(request) => start([request])} />
    </div>
  )
}
