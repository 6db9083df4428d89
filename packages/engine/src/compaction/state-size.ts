/** About how many sealed bytes a device's whole state is: told from a sample, for judging whether a log is too large for it. */
import { fromHex } from '@lockstep/protocol/bytes'
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import { ContentEncoder } from '#content-encoder'
import type { Sealer } from '#sealing'
import type { Store } from '#store'
import { rowsTable } from '#tables'

/** Rows of each table that are looked at, spread over all of it, and bytes at most. */
const SAMPLE_ROWS = 256
const SAMPLE_BYTES = 1024 * 1024

/** The sample is compressed and sealed as a segment would be, and goes nowhere. */
export async function estimateSealedState(store: Store, sealer: Sealer): Promise<number> {
  const { driver, rows, replica } = store
  const { epoch } = sealer
  let total = 0
  for (const table of Object.keys(store.schema.tables)) {
    const bounds = driver.prepare(`SELECT min(_n) AS low, max(_n) AS high, count(*) AS count FROM ${rowsTable(table)}`).get()
    const count = Number(bounds?.['count'])
    if (count === 0) continue
    const low = Number(bounds?.['low'])
    const step = Math.max(1, (Number(bounds?.['high']) - low) / SAMPLE_ROWS)
    const header = { replica, wallClock: 0, epoch, bundleVersion: 0, seen: [], covers: [], run: undefined }
    const encoder = new ContentEncoder(header, { packTexts: true })
    for (let i = 0; i < SAMPLE_ROWS && encoder.size < SAMPLE_BYTES; i++) {
      const row = rows.loadByRowid(table, Math.floor(low + i * step))
      if (row !== undefined) encoder.add({ table, id: row.id, cells: row.cells })
      if (encoder.count === count) break
    }
    if (encoder.count === 0) continue
    const place = { kind: SEGMENT_KIND.delta, epoch, replica: fromHex(replica), counter: 1 }
    const sealed = await sealer.seal(place, encoder.finish(1, new Uint8Array(32)))
    total += (sealed.length / encoder.count) * count
  }
  const foreign = driver.prepare('SELECT sum(octet_length(cell)) AS bytes FROM _foreign').get()
  return Math.ceil(total + Number(foreign?.['bytes'] ?? 0))
}
