/** A transaction that notes what it writes, for the ledger. */
import { makeStamp } from '@lockstep/engine/hlc'
import type { Transaction } from '@lockstep/engine/transaction'
import type { Tables } from '@lockstep/model/schema'
import type { Process, SimulatedDevice } from './device.ts'
import { Killed } from './faulty-driver.ts'
import type { Ledger, Writes } from './ledger.ts'

type TableName = keyof Tables & string
type Values = Readonly<Record<string, null | number | string>>

export class RecordingTransaction {
  readonly #tx: Transaction<Tables>
  readonly writes: Writes = { cells: [], texts: [], purges: [] }
  /** The greatest stamp of a row that this transaction changed. */
  seen = ''

  constructor(tx: Transaction<Tables>) {
    this.#tx = tx
  }

  get(table: TableName, id: string): Readonly<Record<string, unknown>> | undefined {
    return this.#tx.get(table, id) as Readonly<Record<string, unknown>> | undefined
  }

  /** Inserts, updates or brings back; `values.text` of a note is compared character by character. */
  put(table: TableName, id: string, values: Values): void {
    const before = this.get(table, id)
    this.#saw(before)
    if (before === undefined) this.#tx.insert(table, values, id)
    else this.#tx.update(table, id, values)
    for (const [column, value] of Object.entries(values)) {
      if (before?.[column] === value) continue
      if (table === 'notes' && column === 'text') this.#text(id, String(before?.['text'] ?? ''), String(value))
      else this.writes.cells.push({ table, id, column, value })
    }
    // Writing a column's default for the first time changes nothing that shows, and is a write.
    if (this.get(table, id)?.['_edited'] !== before?.['_edited']) this.#alive(table, id, 0)
  }

  #text(id: string, before: string, after: string): void {
    const had = new Set(before)
    const has = new Set(after)
    const inserted = [...has].filter((character) => !had.has(character))
    const deleted = [...had].filter((character) => !has.has(character))
    this.writes.texts.push({ id, inserted, deleted })
  }

  #saw(row: Readonly<Record<string, unknown>> | undefined): void {
    const edited = String(row?.['_edited'] ?? '')
    if (edited > this.seen) this.seen = edited
  }

  #alive(table: TableName, id: string, value: 0 | 1): void {
    this.writes.cells.push({ table, id, column: '_deleted', value })
  }

  delete(table: TableName, id: string): void {
    this.#saw(this.get(table, id))
    if (this.#tx.delete(table, id)) this.#alive(table, id, 1)
  }

  purge(table: TableName, id: string): void {
    if (this.#tx.purge(table, id)) this.writes.purges.push({ table, id })
  }

  setMember(table: 'profile', id: string, column: 'languages' | 'topics', element: string, present: boolean): void {
    const row = this.get(table, id)
    const elements = JSON.parse(String(row?.[column] ?? '[]')) as string[]
    this.#tx.setMember(table, id, column, element, present)
    if (row?.['_deleted'] === false && elements.includes(element) === present) return
    this.writes.cells.push({ table, id, column, element, value: present ? 1 : 0 })
    this.#alive(table, id, 0)
  }
}

/** Runs `body` in one transaction of `process`. What it threw is passed on; what may have been stored is noted as such. */
export function record(
  { device, process, ledger }: { readonly device: SimulatedDevice; readonly process: Process; readonly ledger: Ledger },
  body: (tx: RecordingTransaction) => void,
): void {
  let recording: RecordingTransaction | undefined
  try {
    process.vault.transact((tx) => {
      recording = new RecordingTransaction(tx)
      body(recording)
    })
  } catch (error) {
    if (error instanceof Killed && recording !== undefined) ledger.record(device, recording.writes, undefined)
    throw error
  }
  if (recording === undefined) return
  const { clock } = process.vault.store
  const stamp = makeStamp(clock.last.millis, clock.last.counter, clock.replica)
  const wrote = recording.writes.cells.length > 0
  if (wrote && stamp <= recording.seen) throw new Error(`a write has the stamp ${stamp}, not after ${recording.seen}, which it saw`)
  ledger.record(device, recording.writes, stamp, device.isUnawareCopy)
}
