import { expect, test } from 'vitest'
import { type Announcement, createGroupCommit } from '#group-commit'
import type { Append, AppendOutcome, VaultKey } from '#storage/storage'
import { named, ReplicaLog } from './client.ts'

const vault = (number: number) => number as VaultKey

/** A storage whose commits end when the test says so, and which writes down what happens. */
function controlled() {
  const events: string[] = []
  const scheduled: (() => void)[] = []
  const commits: {
    pushes: readonly Append[]
    finish: (outcomes: readonly AppendOutcome[]) => void
    fail: (error: Error) => void
  }[] = []
  const announced: Announcement[] = []
  const group = createGroupCommit({
    storage: {
      append: (pushes) =>
        new Promise((resolve, reject) => {
          events.push(`append ${pushes.length}`)
          commits.push({ pushes, finish: resolve, fail: reject })
        }),
    },
    schedule: (run) => scheduled.push(run),
    announce(announcement) {
      events.push(`announce ${announcement.position.head}`)
      announced.push(announcement)
    },
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { group, events, scheduled, commits, announced, settle }
}

const log = new ReplicaLog('a')
function appended(head: number, segments = 1): AppendOutcome {
  const added = Array.from({ length: segments }, (_, i) => ({
    ...log.next(named('x')),
    first: head - segments + 1 + i,
    last: head - segments + 1 + i,
  }))
  return { outcome: 'appended', position: { head, chain: named(`${head}`), generation: named('g', 16) }, sequences: [head], added }
}
const push = (number = 1): Append => ({ vault: vault(number), segments: [], quota: 0 })

test('[SYNC-2] pushes that arrive together are one append; nobody hears of them before it ends', async () => {
  const { group, events, scheduled, commits, announced, settle } = controlled()
  const answers = [1, 2, 3].map(async (i) => {
    await group.push(push())
    events.push(`answer ${i}`)
  })
  expect(scheduled.length).toBe(1)
  scheduled[0]?.()
  await settle()
  expect(events).toEqual(['append 3'])
  commits[0]?.finish([appended(1), appended(3, 2), { outcome: 'storage-full' }])
  await Promise.all(answers)
  expect(events).toEqual(['append 3', 'announce 3', 'answer 1', 'answer 2', 'answer 3'])
  expect(announced[0]?.segments.map(({ first }) => first)).toEqual([1, 2, 3])
})

test('each vault of a group has its own announcement, and one with nothing new has none', async () => {
  const { group, scheduled, commits, announced, settle } = controlled()
  const answers = [group.push(push(1)), group.push(push(2)), group.push(push(3)), group.push(push(1))]
  scheduled[0]?.()
  await settle()
  const known: AppendOutcome = { ...appended(9), added: [] } as AppendOutcome
  commits[0]?.finish([appended(1), appended(7), known, appended(2)])
  await Promise.all(answers)
  expect(announced.map((announcement) => [announcement.vault, announcement.position.head, announcement.segments.length])).toEqual([
    [1, 2, 2],
    [2, 7, 1],
  ])
})

test('pushes that arrive while a group is written are the next group; a failed one fails its own alone', async () => {
  const { group, events, scheduled, commits, settle } = controlled()
  const first = group.push(push())
  scheduled[0]?.()
  await settle()
  const second = group.push(push())
  const third = group.push(push())
  expect(scheduled.length).toBe(1)
  commits[0]?.fail(new Error('the disk is gone'))
  await expect(first).rejects.toThrow('the disk is gone')
  await settle()
  let drained = false
  const idle = group.drained().then(() => {
    drained = true
  })
  await settle()
  expect([drained, events]).toEqual([false, ['append 1', 'append 2']])
  commits[1]?.finish([appended(1), appended(2)])
  expect((await second).outcome).toBe('appended')
  expect((await third).outcome).toBe('appended')
  await idle
  await group.drained()
})

test('a group is bounded, and order is kept over groups', async () => {
  const { group, scheduled, commits, settle } = controlled()
  const answers = Array.from({ length: 300 }, () => group.push(push()))
  scheduled[0]?.()
  await settle()
  commits[0]?.finish(Array.from({ length: 256 }, (_, i) => appended(i + 1)))
  await settle()
  commits[1]?.finish(Array.from({ length: 44 }, (_, i) => appended(257 + i)))
  const heads = (await Promise.all(answers)).map((outcome) => (outcome.outcome === 'appended' ? outcome.position.head : 0))
  expect(heads).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
})
