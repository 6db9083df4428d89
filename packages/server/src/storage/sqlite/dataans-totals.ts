/** How much the Dataans dialect holds: a row of its own, so that neither a quota nor a block number costs a count. */
import type { DataansUsage } from '#storage/dataans'
import type { Connection } from '#storage/sqlite/connection'

export function createDataansTotals({ db }: Connection) {
  const read = db.prepare('SELECT operations, operation_bytes, file_bytes FROM dataans_usage')
  const addOperations = db.prepare('UPDATE dataans_usage SET operations = operations + ?, operation_bytes = operation_bytes + ?')
  const addFileBytes = db.prepare('UPDATE dataans_usage SET file_bytes = file_bytes + ?')
  return {
    read(): DataansUsage {
      const row = read.get()
      if (row === undefined) throw new Error('the row of what the Dataans dialect holds is missing')
      return {
        operations: row['operations'] as number,
        operationBytes: row['operation_bytes'] as number,
        fileBytes: row['file_bytes'] as number,
      }
    },
    addOperations: (count: number, bytes: number) => void addOperations.run(count, bytes),
    addFileBytes: (bytes: number) => void addFileBytes.run(bytes),
  }
}

export type DataansTotals = ReturnType<typeof createDataansTotals>
