import { toHex } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment } from '@lockstep/protocol/chain'
import { type DeliveredSegment, SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { describe, expect, test } from 'vitest'
import type { TextBase, TextUpdate } from '#cell'
import { seedRecords } from '#compaction/seeds'
import { compactRun } from '#compaction/text-run'
import { decodeContent } from '#content-decoder'
import { makeStamp, type ReplicaId } from '#hlc'
import { compactUpdates, editText, materialize, textOf } from '#text'
import { Random, runs } from '../../../tests/support/random.ts'
import { sha256 } from './support/log-server.ts'
import { type AnyVault, anyVault, anyWork, deviceOf, merger, newer, plainly, rowsOf, runOf, sync } from './support/merging.ts'
import { MergingServer } from './support/merging-server.ts'
import { rowStates } from './support/row-states.ts'

describe('what a merged segment is made of', () => {
  test('[FMT-1] [LOG-6] rows that are larger than a segment come in parts and arrive whole', async () => {
    const server = new MergingServer()
    const device = anyVault()
    const random = new Random(7)
    const large = (bytes: number) => Array.from({ length: bytes / 8 }, () => random.u32().toString(36).padStart(7, '0')).join(' ')
    device.vault.transact((tx) => {
      tx.put('notes', 'a', { title: large(800_000), text: large(800_000), picture: random.bytes(300_000) })
      for (let i = 0; i < 30; i++) tx.put('notes', `b${i}`, { text: large(80_000) })
    })
    await sync(device, server)
    device.vault.transact((tx) => tx.put('notes', 'a', { title: large(900_000) }))
    await sync(device, server)
    const expected = rowStates(device.vault.store)
    for (const from of [0, 1]) {
      const result = await merger(device, server, (entries) => runOf(entries.slice(from))).run()
      expect(result).toMatchObject({ merged: true, whole: from === 0 })
      const parts = server.runs.get(from === 0 ? 1 : 2) as readonly DeliveredSegment[]
      expect(parts.length).toBeGreaterThan(from === 0 ? 4 : 1)
      const fresh = anyVault()
      await sync(fresh, server)
      expect(rowStates(fresh.vault.store)).toEqual(expected)
      server.runs.clear()
    }
  })

  test('[CELL-4] many scattered edits of one text are compacted through a document', async () => {
    const edits = runs(400)
    const server = new MergingServer()
    const device = anyVault()
    const random = new Random(11)
    const words = () => Array.from({ length: 200 }, () => random.u32().toString(36)).join(' ')
    let text = words().slice(0, 1200)
    device.vault.transact((tx) => tx.put('notes', 'a', { text }))
    await sync(device, server)
    for (let i = 0; i < edits; i++) {
      const at = random.below(text.length - 4)
      text = text.slice(0, at) + random.u32().toString(36).slice(0, 4) + text.slice(at + random.below(4))
      if (text.length > 1200) text = text.slice(0, at) + text.slice(at + 8)
      device.clock.now += 1000
      device.vault.transact((tx) => tx.put('notes', 'a', { text }))
      if (i % 4 === 0) await sync(device, server)
    }
    await sync(device, server)
    const before = server.log.reduce((sum, { sealed }) => sum + sealed.length, 0)
    const result = await merger(device, server, runOf).run()
    expect(result).toMatchObject({ merged: true })
    const { after } = result as { readonly after: number }
    console.log(`a text of ${text.length} characters after ${edits} scattered edits: pushed ${before} bytes, merged ${after} bytes`)
    expect(after).toBeLessThan(4096 + 24 * edits)
    const fresh = anyVault()
    await sync(fresh, server)
    expect(fresh.vault.query('SELECT text FROM notes')).toEqual([{ text }])
  })

  test('[CELL-3] [CELL-4] the same updates once more through a document are no other text', () => {
    const stamp = makeStamp(1, 0, 'a'.repeat(32) as ReplicaId)
    let state = textOf(stamp, 'The quick brown fox jumps over the lazy dog.')
    const updates: TextUpdate[] = []
    const random = new Random(3)
    for (let i = 0; i < 60; i++) {
      const text = materialize(state).text
      const at = random.below(text.length)
      const edit = editText(state, `${text.slice(0, at)}${i}${text.slice(at + random.below(12))}`, 1000 + i)
      if (edit === undefined) continue
      updates.push(edit.update)
      const [[key, { base, updates: known }]] = [...state] as [[number, TextBase]]
      state = new Map([[key, { base, updates: [...known, edit.update] }]])
    }
    const [[key, entry]] = [...state] as [[number, TextBase]]
    const wanted = materialize(state).text
    for (let from = 0; from < updates.length; from += 7) {
      const older = entry.updates.slice(0, from)
      const run = updates.slice(from)
      const compact = compactRun(key, entry, run, false)
      const sizeOf = (all: readonly TextUpdate[]) => all.reduce((sum, { bytes }) => sum + bytes.length, 0)
      expect(sizeOf(compact)).toBeLessThanOrEqual(sizeOf(run))
      expect(materialize(new Map([[key, { base: entry.base, updates: [...older, ...compact] }]])).text).toBe(wanted)
      // Idempotent beside the originals, in any order.
      const shuffled = random.shuffle([...updates, ...compact])
      expect(materialize(new Map([[key, { base: entry.base, updates: shuffled }]])).text).toBe(wanted)
    }
    // All of it with the base is the whole text's state.
    expect(compactRun(key, entry, updates, true)).toEqual(compactUpdates(key, entry))
  })

  test('[LOG-9] seeds hold the whole state, continue the chain, and the last one says what they stand for', async () => {
    const server = new MergingServer()
    const device = anyVault(newer)
    const random = new Random(21)
    for (let step = 0; step < 80; step++) {
      device.clock.now += 1000
      anyWork(random, device, step)
    }
    device.vault.transact((tx) => {
      for (let i = 0; i < 300; i++) tx.put('notes', `big${i}`, { text: random.bytes(1500).toString() })
    })
    await sync(device, server)
    const covers = device.syncer(server).inbox.log.covers()
    const chain = random.bytes(32)
    const options = { store: device.vault.store, sealer: device.sealer, sha256, head: 41, chain, covers }
    const records: SegmentRecord[] = []
    for await (const record of seedRecords(options)) records.push(record)
    expect(records.length).toBeGreaterThan(1)
    let previous: Uint8Array = chain
    for (const [i, record] of records.entries()) {
      expect(record).toMatchObject({ kind: SEGMENT_KIND.seed, counter: 42 + i, previous })
      previous = extendChain(sha256, previous, identifySegment(sha256, record))
      const { header } = decodeContent(await device.sealer.open(record, record.sealed))
      expect(plainly(header.covers)).toEqual(plainly(i === records.length - 1 ? covers : []))
      expect(header.run).toBeUndefined()
    }
    const delivered = records.map((record) => ({ ...record, first: record.counter, last: record.counter }))
    const fresh = deviceOf(random.shuffle(await rowsOf(device, delivered)), anyVault(newer))
    expect(rowStates(fresh.vault.store)).toEqual(rowStates(device.vault.store))
    // The first part is small and has the rows that were written last.
    const first = decodeContent(await device.sealer.open(records[0] as SegmentRecord, (records[0] as SegmentRecord).sealed)).rows
    expect(first.length).toBeLessThan(60)
    const newest = device.vault
      .query<{ id: string }>('SELECT id FROM notes ORDER BY _edited DESC, _n DESC LIMIT 10')
      .map(({ id }) => id)
    expect(first.slice(0, 10).map(({ id }) => id)).toEqual(newest)
  })
})

describe('a vault in use', () => {
  test('[LOG-10] [SYNC-1] a device one edit behind downloads little before and after any merge, and the log stays short', async () => {
    const server = new MergingServer()
    const devices = [anyVault(), anyVault()]
    const behind = anyVault()
    let most = 0
    for (let i = 0; i < 300; i++) {
      const device = devices[i % 2] as AnyVault
      device.clock.now += 1000
      device.vault.transact((tx) =>
        tx.put('notes', `n${i % 20}`, { title: `title ${i}`, text: `text ${i} ${'of some length '.repeat(8)}` }),
      )
      await sync(device, server)
      const before = server.exchanges.length
      await sync(behind, server)
      const bytes = server.exchanges.slice(before).reduce((sum, { received }) => sum + received, 0)
      if (i > 0) most = Math.max(most, bytes)
    }
    console.log(
      `300 edits of 20 notes: ${server.entries().length} entries, ${server.runs.size} runs, ${server.bytes} bytes; one edit behind: at most ${most} bytes`,
    )
    expect(server.runs.size).toBeGreaterThan(0)
    expect(server.entries().length).toBeLessThanOrEqual(32 + 64 + 8)
    expect(most).toBeLessThan(2048)
  })

  test('[LOG-10] large segments that supersede each other are merged once they are more than the state; an import is not', async () => {
    for (const ids of [20, 1400]) {
      const server = new MergingServer()
      server.merging = false
      const device = anyVault()
      const random = new Random(31)
      for (let i = 0; i < 70; i++) {
        device.clock.now += 1000
        device.vault.transact((tx) => {
          for (let n = 0; n < 20; n++) tx.put('notes', `n${(20 * i + n) % ids}`, { picture: random.bytes(4500) })
        })
        await sync(device, server)
      }
      server.merging = true
      const before = server.bytes
      const result = await merger(device, server).run()
      if (ids > 20) {
        expect(result).toBeUndefined()
        continue
      }
      expect(result).toMatchObject({ merged: true, first: 1, last: 38 })
      expect(server.bytes).toBeLessThan(before - 37 * 80_000)
      const fresh = anyVault()
      await sync(fresh, server)
      expect(rowStates(fresh.vault.store)).toEqual(rowStates(device.vault.store))
      expect(await merger(device, server).run()).toBeUndefined()
    }
  })

  test('[LOG-6] a fresh device can read the latest rows of a merged log before most of the others have come', async () => {
    const server = new MergingServer()
    const device = anyVault()
    const random = new Random(7)
    const ids = Array.from({ length: 400 }, (_, i) => `n${i}`)
    for (let edit = 0; edit < 6; edit++) {
      for (const id of edit === 5 ? ids : random.shuffle(ids)) {
        device.clock.now += 1000
        device.vault.transact((tx) => {
          const text = String(tx.get('notes', id)?.text ?? toHex(random.bytes(1000)))
          const at = random.below(text.length)
          tx.put('notes', id, { text: text.slice(0, at) + toHex(random.bytes(20)) + text.slice(at) })
        })
      }
      await sync(device, server)
    }
    expect(await merger(device, server, runOf).run()).toMatchObject({ merged: true, whole: true, entries: server.log.length })
    const sizes = (server.runs.get(1) ?? []).map(({ sealed }) => sealed.length)
    expect(sizes.length).toBeGreaterThan(3)
    for (const [i, bytes] of sizes.entries()) expect(bytes).toBeLessThanOrEqual(128 * 1024 * 2 ** i)

    const fresh = anyVault()
    const seen: { readonly rows: number; readonly latest: boolean }[] = []
    const latest = ids.slice(-20)
    fresh.vault.onChange(() => {
      const found = new Set(fresh.vault.query('SELECT id FROM notes').map(({ id }) => id))
      seen.push({ rows: found.size, latest: latest.every((id) => found.has(id)) })
    })
    await sync(fresh, server)
    expect(seen.find((step) => step.latest)?.rows).toBeLessThanOrEqual(ids.length / 6)
    expect(seen.at(-1)?.rows).toBe(ids.length)
    expect(rowStates(fresh.vault.store)).toEqual(rowStates(device.vault.store))
  })

  test('[CELL-4] [LOG-10] many edits of few notes, merged, are as small as a vault that was made in one go', async () => {
    const edits = runs(4000)
    const server = new MergingServer()
    const device = anyVault()
    const random = new Random(5)
    const sentence = () => Array.from({ length: 12 }, () => random.pick(WORDS)).join(' ')
    for (let i = 0; i < edits; i++) {
      const id = `n${random.below(100)}`
      device.clock.now += 1000
      device.vault.transact((tx) => {
        const known = tx.get('notes', id)
        if (known === undefined) tx.put('notes', id, { title: id, text: Array.from({ length: 10 }, sentence).join('. ') })
        else tx.put('notes', id, random.chance(0.1) ? { title: `${id} ${sentence()}` } : { weight: i })
      })
      if (i % 40 === 39) await sync(device, server)
    }
    await sync(device, server)
    const pushed = server.log.reduce((sum, { sealed }) => sum + sealed.length, 0)
    const merged = server.bytes
    const result = await merger(device, server, runOf).run()
    const bottom = (result as { readonly after: number }).after
    const once = anyVault()
    const target = new MergingServer()
    once.vault.transact((tx) => {
      for (const { id, title, text, weight } of device.vault.query(
        'SELECT id, title, text, weight FROM notes ORDER BY _edited DESC',
      )) {
        tx.put('notes', String(id), { title: String(title), text: String(text), weight: Number(weight) })
      }
    })
    await sync(once, target)
    const fresh = target.bytes
    console.log(
      `${edits} edits of 100 notes: pushed ${pushed} bytes, merged in use ${merged}, the bottom run ${bottom}, made in one go ${fresh}: ${(bottom / fresh).toFixed(2)} x`,
    )
    expect(bottom).toBeLessThanOrEqual(1.5 * fresh)
  })
})

const WORDS =
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega'.split(
    ' ',
  )
