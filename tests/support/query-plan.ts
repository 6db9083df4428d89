/** How SQLite goes about a statement. */
import type { Driver } from '@lockstep/engine/driver'

/** The steps of its plan, as SQLite words them: "SEARCH r USING COVERING INDEX …", "SCAN …". */
export const planOf = (driver: Driver, sql: string): readonly string[] =>
  driver
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail))
