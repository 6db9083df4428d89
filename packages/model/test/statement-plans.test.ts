/** What is done every day costs the same in a vault of any size: no statement of it goes through all rows of a table. */
import type { Driver } from '@lockstep/engine/driver'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { openVault } from '@lockstep/engine/vault'
import { expect, it } from 'vitest'
import { addDiff, removeDiff } from '#diffs'
import { addNote, editNote, moveNote, removeNote, restoreNote } from '#notes'
import { schema } from '#schema'
import { addSpace } from '#spaces'
import { addStar, removeStar } from '#stars'
import { planOf } from '../../../tests/support/query-plan.ts'

/** Collects what is asked of it. */
function listening(driver: Driver): { readonly driver: Driver; readonly statements: Set<string> } {
  const statements = new Set<string>()
  const prepare = (sql: string) => {
    statements.add(sql)
    return driver.prepare(sql)
  }
  const listener = new Proxy(driver, {
    get: (target, key) => {
      if (key === 'prepare') return prepare
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { driver: listener, statements }
}

/** Through all rows of a table, or of an index of it. */
const WHOLE = /SCAN (?!CONSTANT ROW)/

it('writing, editing, moving, deleting and restoring a note, a diff and a star', () => {
  const { driver, statements } = listening(openSqlite())
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
  const vault = openVault({ schema, driver, runtime: { now: () => 1_700_000_000_000, random }, schedule: () => {} })
  const [space, other] = ['A', 'B'].map((name) => addSpace(vault, { name, now: 1 })) as [string, string]
  const diff = { title: 'Digest', date: '2026-01-01', text: '# One\n\nTwo.\n\nThree.', now: 1 }
  const { id: digest } = addDiff(vault, diff)
  addNote(vault, { space, title: 'first', text: 'first', now: 1 })

  statements.clear()
  const id = addNote(vault, { space, title: 'x', text: 'abc', now: 2 })
  editNote(vault, id, { text: 'abcd', pinned: true, now: 3 })
  moveNote(vault, id, { space: other, now: 4 })
  removeNote(vault, id)
  restoreNote(vault, id, 5)
  const { id: next } = addDiff(vault, { ...diff, date: '2026-01-02' })
  const star = addStar(vault, { diff: digest, paragraph: 1, now: 6 })
  removeStar(vault, star)
  removeDiff(vault, next)

  expect(statements.size).toBeGreaterThan(20)
  const scans = [...statements]
    .filter((sql) => !/^(?:EXPLAIN|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/.test(sql))
    .map((sql) => [sql, planOf(driver, sql)] as const)
    .filter(([, plan]) => plan.some((step) => WHOLE.test(step)))
  expect(scans).toEqual([])
})
