import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Attack } from '../attack.ts'
import { ATTACKS } from '../attacks/all.ts'
import { type Expected, OUTCOMES } from './outcomes.ts'
import { type Outcome, runAttack } from './scenario.ts'
import { type VaultKind, Worlds } from './world.ts'

/** Those that the engine has an answer to; the others are told below. */
const ANSWERED = ATTACKS.filter(({ name }) => name in OUTCOMES)
const KINDS: readonly VaultKind[] = ['passphrase', 'password', 'merged', 'rotated']
const worlds = new Map<VaultKind, Worlds>()
const done = { tried: 0, named: 0, harmless: 0 }

beforeAll(async () => {
  for (const kind of KINDS) worlds.set(kind, await Worlds.make(kind))
})

afterAll(async () => {
  for (const world of worlds.values()) await world.close()
  const { tried, named, harmless } = done
  console.log(`G9: ${tried} attacks, ${tried - named - harmless} succeeded, ${named} named, ${harmless} without effect`)
})

/** What is wrong with an outcome, in words; nothing where it is as it has to be. */
function verdict({ named, namedAfterwards, inStep, healed }: Outcome, expected: Expected): string[] {
  const wrongs: string[] = []
  if (expected.codes.length === 0) {
    if (named.length > 0) wrongs.push(`it was to have no effect, and the client says ${named.join(', ')}`)
    if (!inStep) wrongs.push('the victim has not what the others have, and says nothing')
  } else {
    const said = expected.when === 'afterwards' ? namedAfterwards : named
    if (!said.some((code) => expected.codes.includes(code))) {
      wrongs.push(`nothing of ${expected.codes.join(', ')} was said, but ${said.join(', ') || 'nothing'}`)
    }
  }
  if (expected.heals && !healed) wrongs.push('told the truth again, the devices do not come together')
  return wrongs
}

describe('[LOG-3] [LOG-4] [LOG-6] [LOG-8] [ENV-2] [ENV-3] [KEY-1] [KEY-2] [KEY-4] [KEY-5] [SYNC-3] [HTTP-1] G9: a hostile server', () => {
  test.each(ANSWERED.map((attack) => [attack.name, attack] as const))('%s', async (name, attack: Attack) => {
    done.tried++
    const expected = OUTCOMES[name] as Expected
    const outcome = await runAttack(attack, (kind) => worlds.get(kind) as Worlds)
    expect([...outcome.wrongs, ...verdict(outcome, expected)], attack.client).toEqual([])
    if (expected.codes.length === 0) done.harmless++
    else done.named++
  })

  test('attacks are at least sixty, each with a rule, a source and a name of its own', () => {
    expect(ANSWERED.length).toBeGreaterThanOrEqual(60)
    expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length)
    for (const { rules, source, client } of ATTACKS) {
      expect(rules.length).toBeGreaterThan(0)
      for (const rule of rules) expect(rule).toMatch(/^(LOG|SEG|ENV|KEY|SYNC|HTTP|CELL|FMT)-\d+$/)
      expect(source).not.toBe('')
      expect(client).not.toBe('')
    }
    const names = new Set(ATTACKS.map(({ name }) => name))
    expect(Object.keys(OUTCOMES).filter((name) => !names.has(name))).toEqual([])
    const open = ATTACKS.filter(({ name }) => !(name in OUTCOMES))
    if (open.length > 0) console.log(`not run, because the engine falls for them: ${open.map(({ name }) => name).join(', ')}`)
  })
})
