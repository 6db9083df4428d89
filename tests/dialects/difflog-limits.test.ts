/**
 * What the diff·log contract cannot keep, whatever the server does: said exactly, so that nobody takes it for a promise, and so
 * that it does not get worse. A client says what it holds, not what it has seen; the server cannot tell an item that is meant from
 * one that a device lists along with everything else because it has not heard of its deletion.
 */
import { describe, expect, test } from 'vitest'
import type { Client } from './difflog-client/client.ts'
import { DifflogStage, diffOf, METADATA, PASSWORD, starOf } from './difflog-stage.ts'
import { LostError } from './wire.ts'

const SYNC = 'POST /api/profile/profile-1/sync'

async function syncAll(...clients: readonly Client[]): Promise<void> {
  for (const client of [...clients, ...clients]) expect(await client.autoSync()).toBe(true)
}

describe('a deletion', () => {
  test('between the download and the full upload of another device is undone; told once more, it stands', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    // Its own star makes the server's hash another than the one b knows: b will list everything.
    a.profile.put('stars', starOf('d1', 9))
    await a.autoSync()
    b.profile.put('stars', starOf('d1', 8))
    stage.wire.before(SYNC, async () => {
      a.profile.delete('stars', 'd2:0')
      await a.autoSync()
    })
    await b.autoSync()
    await syncAll(a, b)
    for (const { profile } of [a, b]) expect(profile.ids('stars')).toEqual(['d1:0', 'd1:8', 'd1:9', 'd2:0'])
    a.profile.delete('stars', 'd2:0')
    await syncAll(a, b)
    for (const { profile } of [a, b]) expect(profile.ids('stars')).toEqual(['d1:0', 'd1:8', 'd1:9'])
  })

  test('between the upload of an item, whose answer is lost, and its repetition is undone', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 1)
    a.profile.put('stars', starOf('d1', 5))
    stage.wire.loseAnswerTo(SYNC)
    await expect(a.autoSync()).rejects.toThrow(LostError)
    await b.autoSync()
    b.profile.delete('stars', 'd1:5')
    await b.autoSync()
    await syncAll(a, b)
    for (const { profile } of [a, b]) expect(profile.ids('stars')).toEqual(['d1:0', 'd1:5'])
  })

  test('of a diff leaves the stars that another device gives it before it hears of that', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    a.profile.delete('diffs', 'd1')
    b.profile.put('stars', starOf('d1', 3))
    await syncAll(a, b)
    for (const { profile } of [a, b]) {
      expect(profile.ids('diffs')).toEqual(['d2'])
      expect(profile.ids('stars')).toEqual(['d1:3', 'd2:0'])
    }
  })
})

describe('a change', () => {
  test('to a diff that another device holds does not reach it, and is undone when that device uploads everything', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 2)
    a.publish('d1')
    await a.autoSync()
    expect(await stage.server.publicDiff('d1')).toMatchObject({ id: 'd1' })
    b.profile.put('diffs', diffOf('d3', 3))
    await b.autoSync()
    expect(b.profile.all('diffs').find(({ id }) => id === 'd1')).toEqual(diffOf('d1', 1))
    await expect(stage.server.publicDiff('d1')).rejects.toMatchObject({ status: 404 })
  })

  test('back from public to private is undone alike: the diff is public again', async () => {
    const stage = await DifflogStage.set()
    const [a] = await stage.devices(1, 2)
    a.publish('d1')
    await a.autoSync()
    const b = await stage.import('profile-1')
    a.unpublish('d1')
    await a.autoSync()
    await expect(stage.server.publicDiff('d1')).rejects.toMatchObject({ status: 404 })
    b.profile.put('diffs', diffOf('d3', 3))
    await b.autoSync()
    expect(await stage.server.publicDiff('d1')).toMatchObject({ id: 'd1' })
  })

  test('to the settings takes the others with it: the last upload of settings is all of them', async () => {
    const stage = await DifflogStage.set()
    const [a, b] = await stage.devices(2, 1)
    a.profile.edit({ topics: ['compilers'] })
    await a.autoSync()
    b.profile.edit({ depth: 'quick' })
    await b.autoSync()
    await syncAll(a, b)
    for (const { profile } of [a, b]) expect(profile.metadata).toEqual({ ...METADATA, depth: 'quick' })
  })
})

test('a new password is for what its device holds: what another one uploaded meanwhile goes', async () => {
  const stage = await DifflogStage.set()
  const [a] = await stage.devices(1, 2)
  const b = await stage.import('profile-1', { ask: async () => 'next' })
  b.profile.put('diffs', diffOf('of-b', 9))
  stage.wire.before('POST /api/profile/profile-1/password', async () => {
    expect(await b.autoSync()).toBe(true)
  })
  await a.changePassword(PASSWORD, 'next')
  expect(await b.autoSync()).toBe(false)
  expect(await b.sync()).toBe(true)
  // It could only be kept under the old key, which nobody asks for any more.
  for (const { profile } of [a, b]) expect(profile.ids('diffs')).toEqual(['d1', 'd2'])
})
