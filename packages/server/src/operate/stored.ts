/** Values out of a database that may be damaged: each is what it should be, or a {@link DamagedValue} says which is not. */

/** A stored value has a type or a length that nobody ever stored. */
export class DamagedValue extends Error {
  constructor(column: string) {
    super(`a stored value (${column}) is not of the kind that belongs there`)
    this.name = 'DamagedValue'
  }
}

export type StoredRow = Readonly<Record<string, unknown>>

/** @throws DamagedValue */
export function bytes(row: StoredRow, column: string, length?: number): Uint8Array {
  const value = row[column]
  if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) throw new DamagedValue(column)
  return value
}

/** Not negative. @throws DamagedValue */
export function count(row: StoredRow, column: string): number {
  const value = row[column]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new DamagedValue(column)
  return value
}

/** @throws DamagedValue */
export function text(row: StoredRow, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new DamagedValue(column)
  return value
}
