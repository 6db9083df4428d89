/**
 * How an app declares its synced tables, typed end to end.
 *
 *     const schema = defineSchema({
 *       spaces: table({ name: column.text({ default: '' }) }),
 *       notes: table(
 *         { space: column.reference('spaces', 'recover'), title: column.text({ default: '' }), text: column.collaborativeText() },
 *         { search: ['title', 'text'], indexes: [['space']] },
 *       ),
 *     })
 *
 * Rows arrive in parts and in any order, so a column without a default may be null, and there is no UNIQUE, CHECK or
 * foreign key [CELL-6]. A column's kind is for ever: renaming is adding [CELL-2].
 */
import { EngineError } from '#errors'

/** Merge kinds [CELL-2]. The numbers are the wire format's. */
export const KIND = { lww: 0, text: 1, set: 2 } as const
export type Kind = (typeof KIND)[keyof typeof KIND]

export type OnParentDelete = 'cascade' | 'recover'

type Type = 'text' | 'integer' | 'real' | 'blob'

/** `T` is the TypeScript type of the column in a row. */
export interface Column<T = unknown> {
  readonly kind: Kind
  readonly type: Type
  readonly default: null | number | string
  readonly reference?: { readonly table: string; readonly onDelete: OnParentDelete }
  /** Types only; never present. */
  readonly __type?: T
}

interface DefaultOf<T> {
  readonly default: T
}

function lww<T>(type: Type, options?: DefaultOf<number | string>): Column<T> {
  return { kind: KIND.lww, type, default: options?.default ?? null }
}

function text(): Column<string | null>
function text(options: DefaultOf<string>): Column<string>
function text(options?: DefaultOf<string>): Column<string | null> {
  return lww('text', options)
}

function integer(): Column<number | null>
function integer(options: DefaultOf<number>): Column<number>
function integer(options?: DefaultOf<number>): Column<number | null> {
  return lww('integer', options)
}

function real(): Column<number | null>
function real(options: DefaultOf<number>): Column<number>
function real(options?: DefaultOf<number>): Column<number | null> {
  return lww('real', options)
}

export const column = {
  text,
  /** Safe integers only. */
  integer,
  real,
  blob: (): Column<Uint8Array | null> => ({ kind: KIND.lww, type: 'blob', default: null }),
  /** Text that two people may edit at once; the column holds the plain text. */
  collaborativeText: (): Column<string> => ({ kind: KIND.text, type: 'text', default: '' }),
  /** A set of strings; the column holds a JSON array, sorted. */
  set: (): Column<string> => ({ kind: KIND.set, type: 'text', default: '[]' }),
  /** The id of a row of `table`. */
  reference: (table: string, onDelete: OnParentDelete): Column<string | null> => ({
    kind: KIND.lww,
    type: 'text',
    default: null,
    reference: { table, onDelete },
  }),
}

export interface TableOptions<C extends string = string> {
  /** Columns that full-text search looks in. */
  readonly search?: readonly C[]
  /**
   * Local SQL indexes; `id` may be one of the columns. A query of the table's views that reads no other columns than those of one index is
   * answered from it alone.
   */
  readonly indexes?: readonly (readonly (C | 'id')[])[]
}

export interface Table<C extends Record<string, Column> = Record<string, Column>> {
  readonly columns: C
  readonly options: TableOptions
}

export function table<const C extends Record<string, Column>>(columns: C, options: TableOptions<keyof C & string> = {}): Table<C> {
  return { columns, options }
}

export interface Schema<T extends Record<string, Table> = Record<string, Table>> {
  readonly tables: T
}

/** The row type of a table, `id` included. */
export type RowOf<T extends Table> = { readonly id: string } & {
  readonly [C in keyof T['columns']]: T['columns'][C] extends Column<infer V> ? V : never
}
/** What insert and update take: any of the columns. */
export type ValuesOf<T extends Table> = { readonly [C in keyof RowOf<T> as C extends 'id' ? never : C]?: RowOf<T>[C] | undefined }

const NAME = /^[a-z][A-Za-z0-9_]{0,62}$/
const RESERVED = new Set(['id', 'rowid', 'oid'])

/** SQL does not tell upper from lower case in names. */
function refuseTwins(names: readonly string[], what: string, fail: (message: string) => never): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const twin = seen.get(name.toLowerCase())
    if (twin !== undefined) fail(`the ${what} "${twin}" and "${name}" differ only in case`)
    seen.set(name.toLowerCase(), name)
  }
}

/** @throws EngineError `schema-invalid` */
export function defineSchema<const T extends Record<string, Table>>(tables: T): Schema<T> {
  const all: Record<string, Table> = tables
  const fail = (message: string): never => {
    throw new EngineError('schema-invalid', message)
  }
  refuseTwins(Object.keys(all), 'tables', fail)
  for (const [name, { columns, options }] of Object.entries(all)) {
    if (!NAME.test(name) || name.startsWith('rows_') || name.startsWith('all_') || name.startsWith('sqlite')) {
      fail(`"${name}" cannot name a table: use a lower-case letter, then letters, digits and underscores`)
    }
    refuseTwins(Object.keys(columns), `columns of "${name}"`, fail)
    for (const [columnName, { reference }] of Object.entries(columns)) {
      if (!NAME.test(columnName) || RESERVED.has(columnName.toLowerCase()))
        fail(`"${columnName}" cannot name a column of "${name}"`)
      if (reference !== undefined && !Object.hasOwn(all, reference.table)) {
        fail(`"${name}.${columnName}" refers to "${reference.table}", which is not a table`)
      }
    }
    for (const used of [...(options.search ?? []), ...(options.indexes ?? []).flat().filter((column) => column !== 'id')]) {
      if (!Object.hasOwn(columns, used)) fail(`"${name}" has no column "${used}" to search or index`)
    }
  }
  // Visibility is computed on reading by looking at parents; a cycle would have no end.
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) fail(`references form a cycle: ${[...path, name].join(' → ')}`)
    for (const { reference } of Object.values(all[name]?.columns ?? {})) {
      if (reference !== undefined) visit(reference.table, [...path, name])
    }
  }
  for (const name of Object.keys(all)) visit(name, [])
  return { tables }
}
