/** What a running watch is told of its surroundings. */
import { expect, it } from 'vitest'
import { lookAround } from '#look-around'

function looking() {
  const state = { now: 0, version: 1, pending: false, failing: false }
  const told: string[] = []
  const look = lookAround({
    now: () => state.now,
    version: () => state.version,
    hasPending: () => state.pending,
    isFailing: () => state.failing,
    watcher: { focused: () => told.push('focused'), back: () => told.push('back'), changed: () => told.push('changed') },
  })
  return {
    state,
    /** One look after so many milliseconds; what it told the watcher. */
    look: (after = 500) => {
      state.now += after
      look()
      return told.splice(0)
    },
  }
}

it('another process has written something: the watcher hears of it once', () => {
  const { state, look } = looking()
  expect(look()).toEqual(['focused'])
  state.version = 2
  state.pending = true
  expect(look()).toEqual(['focused', 'changed'])
  expect(look()).toEqual(['focused'])
})

it('another process has synced: there is nothing to send', () => {
  const { state, look } = looking()
  state.version = 2
  expect(look()).toEqual(['focused'])
  state.pending = true
  expect(look()).toEqual(['focused'])
})

it('while syncs fail they are tried again when the watcher says, or at once after the machine was asleep', () => {
  const { state, look } = looking()
  state.failing = true
  expect([look(), look(), look(30_000)]).toEqual([[], [], []])
  expect(look(30_001)).toEqual(['back'])
  expect(look()).toEqual([])
  state.failing = false
  expect(look()).toEqual(['focused'])
})
