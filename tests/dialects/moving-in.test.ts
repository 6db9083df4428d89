/**
 * Who moves in brings along what their app shows: random devices of the independent Dataans client and of the diff·log-shaped one fill a
 * server, and what the importers make of it is compared with what those clients hold; then the person goes on there, and imports again.
 */

import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { deriveDataansKey } from '@lockstep/import/dataans/envelope'
import { importDataansServer } from '@lockstep/import/dataans/server-import'
import { importDifflog } from '@lockstep/import/difflog/server-import'
import { WebSource } from '@lockstep/import/web-source'
import { listDiffs } from '@lockstep/model/diffs'
import { findNote, listNotes } from '@lockstep/model/notes'
import { readProfile } from '@lockstep/model/profile'
import type { LockstepVault } from '@lockstep/model/schema'
import { listStars } from '@lockstep/model/stars'
import { listTldrs } from '@lockstep/model/tldrs'
import { expect, onTestFinished, test } from 'vitest'
import { memoryVault } from '../support/memory-vault.ts'
import { forEachSeed, type Random } from '../support/random.ts'
import type { Device } from './dataans-client/device.ts'
import type { Note, Space } from './dataans-client/operation.ts'
import { nanosOf } from './dataans-client/time.ts'
import { DataansStage, PASSPHRASE, PASSWORD } from './dataans-stage.ts'
import { meaningOf, uuid, work } from './dataans-work.ts'
import { DifflogStage, diffOf, starOf } from './difflog-stage.ts'

const FILE = 'tests/dialects/moving-in.test.ts'
const START = nanosOf('2026-03-01T08:00:00Z')

function webSource(server: string): WebSource {
  const { http, close } = createNodeHttp()
  onTestFinished(close)
  return new WebSource({ http, server, now: Date.now })
}

const millis = (time: string) => Number(nanosOf(time) / 1_000_000n)
const byText = <T extends { readonly text: string }>(notes: readonly T[]) => [...notes].sort((a, b) => (a.text < b.text ? -1 : 1))

function shownBy(vault: LockstepVault) {
  return byText(
    listNotes(vault).map(({ id, space, createdAt, updatedAt }) => ({
      space,
      createdAt,
      updatedAt,
      text: findNote(vault, id).text,
    })),
  )
}

function meantBy(devices: readonly Device[]) {
  const meaning = meaningOf(devices.flatMap(({ operations }) => operations))
  const notes = [...meaning].flatMap(([key, value]) => (key.startsWith('note ') ? [value as Note] : []))
  const shown = notes.map(({ text, space_id, created_at, updated_at }) => ({
    space: (meaning.get(`space ${space_id}`) as Space).name,
    createdAt: millis(created_at),
    updatedAt: millis(updated_at),
    text,
  }))
  return byText(shown)
}

/** Those that a note still has. */
function filesOf({ view }: Device): readonly string[] {
  const attached = new Set(view.notes.flatMap(({ id }) => view.attached[id] ?? []))
  return view.files.map(({ id }) => id).filter((id) => attached.has(id))
}

test('from Dataans: every note with its space and times, whatever several devices with wrong clocks did to it, and later changes', async () => {
  const key = deriveDataansKey(PASSWORD, PASSPHRASE)
  const totals = { added: 0, updated: 0, files: 0 }
  await forEachSeed('moving in from Dataans', 2, FILE, async (random: Random) => {
    const stage = await DataansStage.set()
    const devices: Device[] = []
    for (let i = 0; i < 2; i++) {
      const skew = BigInt(random.between(-60, 60)) * 1_000_000_000n
      let time = START + skew
      const now = () => (time += BigInt(random.below(3_000)) * 1_000_000n)
      devices.push(await stage.signedIn({ now, newId: () => uuid(random) }))
    }
    const { vault } = memoryVault(random.seed)
    for (let round = 0; round < 3; round++) {
      for (const device of devices) for (let i = 0; i < 25; i++) work(device, random, { spacesStay: true })
      for (const device of [...devices, ...devices]) await device.sync()
      const summary = await importDataansServer(vault, { web: webSource(stage.url), deriveKey: () => key, now: Date.now })
      expect(summary).toMatchObject({ refused: [], operations: devices[0]?.operations.length })
      expect(shownBy(vault)).toEqual(meantBy(devices))
      expect(summary.files.map(({ id }) => id).sort()).toEqual(filesOf(devices[0] as Device))
      for (const { onServer, name } of summary.files) expect(onServer, name).toBe(true)
      totals.added += summary.added
      if (round > 0) totals.updated += summary.updated
      totals.files += summary.files.length
    }
    const again = await importDataansServer(vault, { web: webSource(stage.url), deriveKey: () => key, now: Date.now })
    expect(again).toMatchObject({ added: 0, updated: 0, spaces: 0, refused: [] })
    await stage.close()
  })
  for (const [what, count] of Object.entries(totals)) expect(count, what).toBeGreaterThan(0)
})

test('from diff·log: the profile that two devices have made, and what they take away later', async () => {
  const stage = await DifflogStage.set()
  const [a, b] = await stage.devices(2, 5)
  b.profile.put('diffs', diffOf('of-b', 20))
  b.profile.put('stars', starOf('of-b', 0))
  await b.autoSync()
  a.profile.delete('diffs', 'd2')
  a.publish('d3')
  await a.autoSync()
  const { vault } = memoryVault()
  const bring = () =>
    importDifflog(vault, {
      web: webSource(stage.url),
      profile: 'profile-1',
      password: PASSWORD,
      now: Date.now,
      dayOf: (time) => new Date(time).toISOString().slice(0, 10),
    })
  expect(await bring()).toMatchObject({ diffs: { added: 5 }, stars: { added: 5 }, profileChanged: true, refused: [] })
  expect(
    listDiffs(vault)
      .map(({ title }) => title)
      .sort(),
  ).toEqual(
    a.profile
      .all('diffs')
      .map(({ title }) => title)
      .sort(),
  )
  expect(listStars(vault)).toHaveLength(5)
  expect(listTldrs(vault)).toEqual([])
  expect(readProfile(vault)).toMatchObject({ languages: ['Rust', 'TypeScript'], frameworks: ['Hono'], topics: ['databases'] })

  a.profile.delete('stars', 'd1:0')
  await a.autoSync()
  expect(await bring()).toMatchObject({ diffs: { added: 0, unchanged: 5 }, stars: { added: 0, removed: 1 }, profileChanged: false })
  expect(listStars(vault)).toHaveLength(4)
  expect(await bring()).toMatchObject({ diffs: { unchanged: 5 }, stars: { added: 0, removed: 0 }, refused: [] })
})
