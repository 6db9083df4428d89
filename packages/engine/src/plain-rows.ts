/**
 * The quick way out of the database for rows that are one write: no cell apart, one stamp, texts without edits. They go into
 * a segment as they stand in the table, without their merge state ever being made. All others go through {@link RowStore.load}.
 */
import type { ContentRow, Shape } from '#content'
import { digestRow } from '#digest'
import { DriverError, type SqlValue } from '#driver'
import type { Stamp } from '#hlc'
import type { Store } from '#store'

/** What is read of each row, before its table's own columns. */
const FIXED = ['_n', 'id', '_edited', '_state', '_own', '_stamp', '_shape', '_digest', '_deleted'] as const
/** Where it stands in the result. */
export const AT = { n: 0, id: 1, edited: 2, state: 3, own: 4, stamp: 5, shape: 6, digest: 7 } as const

/** The columns of plainly stored rows and where their values stand in what is read. */
interface PlainShape {
  readonly shape: Shape
  /** As the digest has it. */
  readonly text: string
  readonly positions: readonly number[]
}

export class PlainRows {
  readonly #store: Store
  readonly #columns = new Map<string, readonly string[]>()
  readonly #shapes = new Map<string, PlainShape | undefined>()

  constructor(store: Store) {
    this.#store = store
  }

  #columnsOf(table: string): readonly string[] {
    let columns = this.#columns.get(table)
    if (columns === undefined) {
      columns = [...FIXED, ...Object.keys(this.#store.schema.tables[table]?.columns ?? {})]
      this.#columns.set(table, columns)
    }
    return columns
  }

  /** What to select of a table's rows, under the alias `r`; {@link read} takes the result, and ignores what is selected after it. */
  list(table: string): string {
    return this.#columnsOf(table)
      .map((name) => `r."${name}"`)
      .join(', ')
  }

  /**
   * Undefined for a row that is not plain.
   * @throws DriverError `corrupt` for one that is not what was stored.
   */
  read(table: string, row: readonly SqlValue[]): ContentRow | undefined {
    if (row[AT.state] !== 0 || row[AT.own] !== null || row[AT.stamp] !== null) return undefined
    const plain = this.#plainShape(table, row[AT.shape] as number)
    if (plain === undefined) return undefined
    const values = plain.positions.map((position) => row[position] as SqlValue)
    if (!isIntact(row, plain, values))
      throw new DriverError('corrupt', `the row "${row[AT.id]}" of "${table}" is not what was stored`)
    return { shape: plain.shape, id: row[AT.id] as string, stamp: row[AT.edited] as Stamp, stamps: undefined, values }
  }

  #plainShape(table: string, id: number): PlainShape | undefined {
    const key = `${table} ${id}`
    if (!this.#shapes.has(key)) {
      const shape = this.#store.rows.shape(table, id)
      const columns = this.#columnsOf(table)
      const positions = shape.columns.map(({ name }) => columns.indexOf(name))
      // A column that a newer version of the app has added meanwhile is not among those read.
      this.#shapes.set(key, positions.includes(-1) ? undefined : { shape, text: this.#store.rows.storedShape(id).text, positions })
    }
    return this.#shapes.get(key)
  }
}

/** `values`: of the shape's columns, the last of which is `_deleted`. */
function isIntact(row: readonly SqlValue[], { text }: PlainShape, values: readonly SqlValue[]): boolean {
  try {
    const digest = digestRow({
      n: row[AT.n] as number,
      id: row[AT.id] as string,
      deleted: values.at(-1) as number,
      edited: row[AT.edited] as string,
      stamp: null,
      own: null,
      state: 0,
      shape: text,
      values: values.slice(0, -1),
    })
    return digest === row[AT.digest]
  } catch (error) {
    // A number where text should be.
    if (error instanceof TypeError) return false
    throw error
  }
}
