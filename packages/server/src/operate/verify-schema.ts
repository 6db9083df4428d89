/**
 * The tables themselves: a flipped bit in the text that declares one renames a column or loosens a constraint, and SQLite has no
 * objection. So the declarations are compared with those of a database that was made just now.
 */
import { DatabaseSync } from 'node:sqlite'
import { REMEDY } from '#operate/finding'
import type { Findings } from '#operate/findings'
import { migrate } from '#storage/sqlite/schema'

function declarations(db: DatabaseSync): Map<string, string> {
  const rows = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema').all()
  return new Map(rows.map((row) => [`${row['type']} ${row['name']}`, `${row['tbl_name']}: ${row['sql']}`]))
}

/** @throws what SQLite throws for a damaged database. */
export function verifySchema(db: DatabaseSync, findings: Findings): void {
  const fresh = new DatabaseSync(':memory:')
  try {
    migrate(fresh, (length) => new Uint8Array(length))
    const [expected, found] = [declarations(fresh), declarations(db)]
    for (const name of new Set([...expected.keys(), ...found.keys()])) {
      if (expected.get(name) !== found.get(name)) {
        findings.damage('database-damaged', `the ${name} is not declared as this release declares it`, REMEDY.restore)
      }
    }
  } finally {
    fresh.close()
  }
}
