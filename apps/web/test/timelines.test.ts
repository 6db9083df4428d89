/** The order of a space's notes, as the worker tells it to tabs: whole, in steps, and without a look at the notes' texts. */
import type { SqlValue } from '@lockstep/engine/driver'
import { addNote, editNote, moveNote, removeNote, restoreNote } from '@lockstep/model/notes'
import { addSpace, removeSpace, restoreSpace } from '@lockstep/model/spaces'
import { describe, expect, test } from 'vitest'
import { stepBetween, takeStep } from '#host/timeline-step'
import { createTimelines, type TimelineAnswer, type Timelines } from '#host/timelines'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { planOf } from '../../../tests/support/query-plan.ts'
import { forEachSeed } from '../../../tests/support/random.ts'

const FILE = 'apps/web/test/timelines.test.ts'
const NOW = 1_700_000_000_000

interface Known {
  version: string
  ids: readonly string[]
}

/** As a tab follows a timeline. @returns the answer's step */
function follow(timelines: Timelines, space: string, known: Known | undefined): { known: Known; step: TimelineAnswer['step'] } {
  const { version, step } = timelines.timeline(space, known?.version)
  const before = known?.ids ?? []
  return { known: { version, ids: step === undefined ? before : takeStep(before, step) }, step }
}

describe('a step', () => {
  const cases: [string, string, string, unknown][] = [
    ['a note at the end', 'a b', 'a b c', { first: 2, last: 0, ids: 'c' }],
    ['a note at the beginning', 'b c', 'a b c', { first: 0, last: 2, ids: 'a' }],
    ['a note that goes', 'a b c', 'a c', { first: 1, last: 1, ids: '' }],
    ['the last note that goes', 'a b', 'a', { first: 1, last: 0, ids: '' }],
    ['the only note that goes', 'a', '', { first: 0, last: 0, ids: '' }],
    ['the first note', '', 'a', { first: 0, last: 0, ids: 'a' }],
    ['ids of which one ends like another', 'ab c', 'b c', { first: 0, last: 1, ids: 'b' }],
    ['ids of which one begins like another', 'a bc', 'a b', { first: 1, last: 0, ids: 'b' }],
    ['the same note twice in a row', 'a', 'a a', { first: 1, last: 0, ids: 'a' }],
  ]
  test.each(cases)('%s', (_what, before, after, step) => {
    expect(stepBetween(before, after)).toEqual(step)
  })

  test('leads from any list to any other', async () => {
    await forEachSeed('steps of a timeline', 500, FILE, (random) => {
      const list = () => Array.from({ length: random.below(6) }, () => 'ab'.repeat(random.below(3)) + random.below(3))
      const [before, after] = [list(), list()]
      expect(takeStep(before, stepBetween(before.join(' '), after.join(' ')))).toEqual(after)
    })
  })
})

describe('a tab that follows a timeline', () => {
  test('is told what is new, and only that, where it has the list of before', () => {
    const { vault } = memoryVault()
    const space = addSpace(vault, { name: 'a', now: NOW })
    const timelines = createTimelines(vault)
    for (let i = 0; i < 3; i++) addNote(vault, { id: `n${i}`, space, title: '', text: '', now: NOW + i })
    const { known } = follow(timelines, space, undefined)
    addNote(vault, { id: 'n3', space, title: '', text: '', now: NOW + 3 })
    const now = follow(timelines, space, known)
    expect(now.step).toEqual({ first: 3, last: 0, ids: 'n3' })
    // Another tab asks with the same list, one with none, and the first one again: it has it.
    expect(follow(timelines, space, known)).toEqual(now)
    expect(follow(timelines, space, undefined).step).toEqual({ first: 0, last: 0, ids: 'n0 n1 n2 n3' })
    expect(follow(timelines, space, now.known).step).toBeUndefined()
    // A tab that slept through two changes.
    removeNote(vault, 'n0')
    follow(timelines, space, now.known)
    expect(follow(timelines, space, known).step).toEqual({ first: 0, last: 0, ids: 'n1 n2 n3' })
  })

  test('has after any changes what the views show, in their order, and the counts of all spaces', async () => {
    await forEachSeed('timelines followed', 40, FILE, (random) => {
      const { vault } = memoryVault(random.u32())
      const spaces = ['a', 'b', 'c'].map((name) => addSpace(vault, { name, now: NOW }))
      const timelines = createTimelines(vault)
      const known = new Map<string, Known>()
      const notes: string[] = []
      const alive = (id: string) => vault.query('SELECT 1 FROM notes WHERE id = ?', id).length > 0
      const deleted = (id: string) => vault.query('SELECT 1 FROM all_spaces WHERE id = ? AND _deleted = 1', id).length > 0
      const living = () => spaces.filter((space) => !deleted(space))
      const isListed = (space: string) => timelines.spaces().some(({ id }) => id === space)
      const add = (space: string, now: number) => addNote(vault, { space, title: '', text: 'x', now })
      const changes: (() => void)[] = [
        () => notes.push(timelines.adding(() => add(random.pick(living()), NOW + random.below(50)))),
        // As most are: the newest.
        () => notes.push(timelines.adding(() => add(random.pick(spaces.filter(isListed)), NOW + 100 + notes.length))),
        () => notes.push(add(random.pick(living()), NOW + random.below(50))),
        () =>
          each((id) => timelines.adding(() => addNote(vault, { id, space: random.pick(living()), title: '', text: '', now: NOW }))),
        () => each((id) => alive(id) && removeNote(vault, id)),
        () => each((id) => !alive(id) && restoreNote(vault, id, NOW + 99)),
        () => each((id) => alive(id) && editNote(vault, id, { pinned: random.chance(0.5), now: NOW })),
        () => each((id) => alive(id) && moveNote(vault, id, { space: random.pick(living()), now: NOW })),
        () => {
          const space = random.pick(spaces)
          if (deleted(space)) restoreSpace(vault, space)
          else if (living().length > 1) removeSpace(vault, space)
        },
      ]
      const each = (change: (id: string) => unknown) => notes.length > 0 && change(random.pick(notes))
      for (let i = 0; i < 60; i++) {
        random.pick(changes)()
        for (const space of spaces) {
          if (random.chance(0.3)) continue
          known.set(space, follow(timelines, space, known.get(space)).known)
          const shown = vault.query('SELECT id FROM notes WHERE space = ? ORDER BY createdAt, id', space).map(({ id }) => id)
          expect(known.get(space)?.ids).toEqual(shown)
          expect(timelines.spaces().find(({ id }) => id === space)?.notes ?? 0).toBe(shown.length)
        }
      }
    })
  })
})

test('a note that is added at the end is not asked for: it is added to the list, and counted', () => {
  const { vault } = memoryVault()
  const asked: string[] = []
  const watched = Object.assign(Object.create(vault) as typeof vault, {
    query(sql: string, ...params: SqlValue[]) {
      asked.push(sql)
      return vault.query(sql, ...params)
    },
  })
  const [space, other] = ['a', 'b'].map((name) => addSpace(vault, { name, now: NOW })) as [string, string]
  const timelines = createTimelines(watched)
  const add = (id: string, now: number) => timelines.adding(() => addNote(vault, { id, space, title: '', text: '', now }))
  add('first', NOW)
  timelines.spaces()
  timelines.timeline(other, undefined)
  const { known } = follow(timelines, space, undefined)
  asked.length = 0
  add('second', NOW + 1)
  expect(follow(timelines, space, known)).toMatchObject({
    known: { ids: ['first', 'second'] },
    step: { first: 1, last: 0, ids: 'second' },
  })
  expect(timelines.spaces().map(({ notes }) => notes)).toEqual([2, 0])
  timelines.timeline(other, undefined)
  expect(asked.filter((sql) => /group_concat|count\(\*\)/.test(sql))).toEqual([])
  // Not at the end: then it is.
  add('third', NOW - 1)
  expect(follow(timelines, space, known).known.ids).toEqual(['third', 'first', 'second'])
  expect(asked.some((sql) => sql.includes('group_concat'))).toBe(true)
})

test('lists and counts are read from the index alone', () => {
  const { vault } = memoryVault()
  const [space, gone] = ['a', 'b'].map((name) => addSpace(vault, { name, now: NOW })) as [string, string]
  addNote(vault, { space: gone, title: '', text: '', now: NOW })
  removeSpace(vault, gone)
  const asked: string[] = []
  const watched = Object.assign(Object.create(vault) as typeof vault, {
    query(sql: string, ...params: SqlValue[]) {
      asked.push(sql)
      return vault.query(sql, ...params)
    },
  })
  const timelines = createTimelines(watched)
  /** How SQLite answers what `work` asks. */
  const plansOf = (work: () => unknown) => {
    asked.length = 0
    work()
    return asked.flatMap((sql) => planOf(vault.store.driver, sql))
  }
  const covered = 'USING COVERING INDEX rows_notes_by_space_createdAt_id_pinned'
  const reads = (plans: readonly string[]) => plans.filter((detail) => detail.includes('rows_notes'))
  const counted = reads(plansOf(() => timelines.spaces()))
  expect(counted[0]).toBe(`SCAN r ${covered}`)
  for (const read of counted) expect(read).toContain(covered)
  for (const id of [space, gone]) {
    const plans = plansOf(() => timelines.timeline(id, undefined))
    expect(reads(plans)).toEqual([`SEARCH r ${covered} (space=?)`])
    expect(plans.some((detail) => detail.includes('TEMP B-TREE'))).toBe(false)
  }
})
