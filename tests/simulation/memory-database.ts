/** A device's disk: a database in memory that can be copied as it is, as a backup or a clone of the machine would. */
import { DatabaseSync } from 'node:sqlite'
import { COMMON_PRAGMAS, createDriver, type Driver } from '@lockstep/engine/driver'
import { nativeDatabase } from '@lockstep/engine/platform/node/sqlite'

export interface MemoryDatabase {
  readonly driver: Driver
  image(): Uint8Array
}

/** @param image what the disk holds in the beginning, nothing by default */
export function openMemoryDatabase(image?: Uint8Array): MemoryDatabase {
  const database = new DatabaseSync(':memory:', {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: false,
    defensive: true,
  })
  if (image !== undefined) database.deserialize(image)
  database.exec(COMMON_PRAGMAS)
  return { driver: createDriver(nativeDatabase(database), undefined), image: () => database.serialize() }
}
