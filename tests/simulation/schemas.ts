/** The apps' schema, and the one of an earlier app that lacks a table and a column of it [CELL-2]. */
import { defineSchema, type Schema, table } from '@lockstep/engine/schema'
import { schema, type Tables } from '@lockstep/model/schema'

export const newSchema: Schema<Tables> = schema

function withoutNewer(): Schema<Tables> {
  const { stars: _, ...tables } = schema.tables
  const { pinned: __, ...columns } = schema.tables.notes.columns
  const older = defineSchema({ ...tables, notes: table(columns, { search: ['title', 'text'], indexes: [['space']] }) })
  // The operations on an older device leave out what it does not have.
  return older as unknown as Schema<Tables>
}

export const olderSchema: Schema<Tables> = withoutNewer()
