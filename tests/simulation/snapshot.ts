/** What a vault holds, in one form that does not hang on how it got there: two devices in step have equal snapshots. */
import { createHash } from 'node:crypto'
import type { Cell, Cells } from '@lockstep/engine/cell'
import { KIND } from '@lockstep/engine/schema'
import { materialize } from '@lockstep/engine/text'
import type { LockstepVault } from '@lockstep/model/schema'

const TABLES = ['spaces', 'notes', 'diffs', 'stars', 'reading', 'publications', 'profile', 'apiKeys', '_devices'] as const

function byKey<T>(entries: Iterable<readonly [string | number, T]>): (readonly [string | number, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function describeCell(cell: Cell): unknown {
  if (cell.kind === KIND.lww) return [cell.stamp, cell.value instanceof Uint8Array ? [...cell.value] : cell.value]
  if (cell.kind === KIND.set) return byKey(cell.value)
  // Updates may be kept apart or compacted; what they come to is what counts.
  const { text, loading, conflicts } = materialize(cell.value)
  return { text, loading, conflicts, bases: byKey([...cell.value].map(([key, { base }]) => [key, base ?? null])) }
}

export function describeCells(cells: Cells): unknown {
  return byKey([...cells].map(([name, cell]) => [name, describeCell(cell)]))
}

/** One line for each row, dead ones too; what people see of it at the end. */
export function snapshot(vault: LockstepVault): string[] {
  const lines: string[] = []
  for (const table of TABLES) {
    const visible = new Set(vault.query(`SELECT id FROM "${table}"`).map(({ id }) => String(id)))
    for (const { id } of vault.query(`SELECT id FROM rows_${table} ORDER BY id`)) {
      const key = String(id)
      const [row] = vault.query(`SELECT * FROM rows_${table} WHERE id = ?`, key)
      const { _n, _shape, _stamp, _own, _state, _digest, ...shown } = row ?? {}
      const state = Number(_state) & ~1
      const cells = describeCells(vault.store.rows.load(table, key)?.cells ?? new Map())
      lines.push(
        `${table} ${key} ${JSON.stringify([byKey(Object.entries(shown)), state, cells])} ${visible.has(key) ? 'shown' : 'hidden'}`,
      )
    }
  }
  for (const row of vault.query('SELECT tbl, id, col FROM _foreign ORDER BY tbl, id, col'))
    lines.push(`foreign ${JSON.stringify(row)}`)
  return lines
}

export function hashOf(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16)
}

/** The first lines that only one of the two has. */
export function difference(a: readonly string[], b: readonly string[]): string {
  const inA = new Set(a)
  const inB = new Set(b)
  const only = [
    ...a.filter((line) => !inB.has(line)).map((line) => `- ${line}`),
    ...b.filter((line) => !inA.has(line)).map((line) => `+ ${line}`),
  ]
  return only
    .sort((x, y) => (x.slice(2) < y.slice(2) ? -1 : 1))
    .slice(0, 6)
    .join('\n')
}
