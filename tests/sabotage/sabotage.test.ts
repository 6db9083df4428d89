/**
 * The suite is tested, too: with a deliberate bug in a copy of the workspace, the named tests must fail [G23].
 *
 * Each run takes a few bugs, other ones every day; LOCKSTEP_SABOTAGE=all takes all of them, LOCKSTEP_SABOTAGE=<name> those
 * whose name contains it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bug, bugs } from './bugs.ts'
import { Workspace } from './workspace.ts'

const A_DAY = 86_400_000
const IN_A_RUN = 12

function chosen(): readonly Bug[] {
  const wanted = process.env['LOCKSTEP_SABOTAGE']
  if (wanted === 'all') return bugs
  if (wanted !== undefined) return bugs.filter(({ name }) => name.includes(wanted))
  const first = (Math.floor(Date.now() / A_DAY) * IN_A_RUN) % bugs.length
  return Array.from({ length: Math.min(IN_A_RUN, bugs.length) }, (_, i) => bugs[(first + i) % bugs.length] as Bug)
}

const today = chosen()
const keyOf = ({ tests, titles, seeds }: Bug) => JSON.stringify([tests, titles, seeds])

describe('[G23] deliberate bugs', () => {
  let workspace: Workspace
  beforeAll(() => {
    workspace = new Workspace()
    console.log(`G23: ${today.length} of ${bugs.length} bugs:\n${today.map(({ name }) => `  ${name}`).join('\n')}`)
  })
  afterAll(() => workspace.remove())

  test('every bug of the list can be made', async () => {
    for (const bug of bugs) await workspace.with(bug, async () => {})
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length)
  })

  test('without a bug the named tests pass', async () => {
    for (const bug of new Map(today.map((each) => [keyOf(each), each])).values()) {
      const { passed, output } = await workspace.test(bug)
      expect(passed, output).toBe(true)
    }
  })

  test.each(today)('is noticed: $name', async (bug) => {
    const { passed, output } = await workspace.with(bug, () => workspace.test(bug))
    expect(passed, 'no test failed').toBe(false)
    // A file that cannot be loaded fails as well, but notices nothing.
    expect(output).toMatch(/Tests {2}\d+ failed/)
  })
})
