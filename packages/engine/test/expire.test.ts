/** The trash that empties itself: whose clock decides, what goes along, what holds it back. */
import { describe, expect, test } from 'vitest'
import { purgeExpired, purgeTime, TRASH_MILLIS } from '#expire'
import { ROW_STATE } from '#tables'
import { memoryVault } from '../../../tests/support/memory-vault.ts'
import { planOf } from '../../../tests/support/query-plan.ts'
import { LogServer } from './support/log-server.ts'
import { shown, type TestVault, testVault } from './support/vaults.ts'

const DAY = 24 * 60 * 60 * 1000
const YEAR = 365 * DAY

/** A vault whose clock, and the server's, a test moves. */
function device() {
  const { vault, clock } = memoryVault()
  const server = { apart: 0 }
  const sweep = () => {
    const { now } = clock
    return purgeExpired(vault.store, { now, serverNow: now + server.apart })
  }
  return {
    vault,
    clock,
    server,
    sweep,
    /** A sync a day. */
    pass: (days: number) => {
      let purged = 0
      for (let day = 0; day < days; day++) {
        clock.now += DAY
        purged += sweep()
      }
      return purged
    },
    note: (id: string, space: string | null = null) => vault.transact((tx) => tx.insert('notes', { title: id, space }, id)),
    remove: (table: 'notes' | 'spaces' | 'diffs', ...ids: string[]) =>
      vault.transact((tx) => {
        for (const id of ids) tx.delete(table, id)
      }),
    trashed: () => vault.trash().map(({ id }) => id),
    purged: (table: string) =>
      vault.store.driver
        .prepare(`SELECT id FROM rows_${table} WHERE (_state & ${ROW_STATE.purged}) <> 0 ORDER BY id`)
        .all()
        .map(({ id }) => id),
  }
}

describe('the 30 days', () => {
  test('[CELL-8] what was deleted goes 30 days after this device first saw it, not before', () => {
    const { note, remove, pass, purged, trashed, vault, clock, sweep } = device()
    note('kept')
    note('gone')
    remove('notes', 'gone')
    expect(purgeTime(vault.store, 'notes', 'gone')).toBeUndefined()
    expect(sweep()).toBe(0)
    const until = purgeTime(vault.store, 'notes', 'gone') as number
    expect(until - clock.now).toBeGreaterThan(TRASH_MILLIS - DAY)
    expect(until - clock.now).toBeLessThanOrEqual(TRASH_MILLIS)
    expect(pass(29)).toBe(0)
    expect(trashed()).toEqual(['gone'])
    expect(pass(2)).toBe(1)
    expect(trashed()).toEqual([])
    expect(purged('notes')).toEqual(['gone'])
    expect(vault.query('SELECT id FROM notes')).toEqual([{ id: 'kept' }])
    expect(vault.store.driver.prepare('SELECT * FROM _pending').all().length).toBeGreaterThan(0)
    expect(pass(1)).toBe(0)
    expect(vault.store.driver.prepare('SELECT * FROM _trash').all()).toEqual([])
  })

  test('[CELL-8] a row that is taken back and deleted again waits another 30 days', () => {
    const { note, remove, pass, vault, trashed } = device()
    note('n')
    remove('notes', 'n')
    pass(29)
    vault.transact((tx) => tx.restore('notes', 'n'))
    expect(pass(5)).toBe(0)
    remove('notes', 'n')
    expect(pass(29)).toBe(0)
    expect(trashed()).toEqual(['n'])
    expect(pass(3)).toBe(1)
  })

  test('[CELL-8] a row that is taken back just before the purge stays', () => {
    const { note, remove, pass, vault, clock, sweep } = device()
    note('n')
    remove('notes', 'n')
    pass(30)
    clock.now += DAY
    vault.transact((tx) => tx.restore('notes', 'n'))
    expect(sweep()).toBe(0)
    expect(vault.query('SELECT id FROM notes')).toEqual([{ id: 'n' }])
  })

  test('[CELL-8] a device that was off for a year counts what it had seen before', () => {
    const { note, remove, sweep, clock } = device()
    note('seen')
    note('unseen')
    remove('notes', 'seen')
    sweep()
    remove('notes', 'unseen')
    clock.now += YEAR
    expect(sweep()).toBe(1)
    clock.now += TRASH_MILLIS + DAY
    expect(sweep()).toBe(1)
  })

  test('it is looked at once a day', () => {
    const { note, remove, pass, sweep, clock, vault } = device()
    pass(1)
    note('n')
    remove('notes', 'n')
    clock.now += DAY / 2
    sweep()
    expect(purgeTime(vault.store, 'notes', 'n')).toBeUndefined()
    clock.now += DAY
    sweep()
    expect(purgeTime(vault.store, 'notes', 'n')).toBeDefined()
  })

  test('many rows go in several calls, without waiting for the next day', () => {
    const { vault, sweep, clock, pass } = device()
    vault.transact((tx) => {
      tx.insert('spaces', { name: 's' }, 's')
      for (let i = 0; i < 2500; i++) tx.insert('notes', { space: 's' }, `n${i}`)
    })
    vault.transact((tx) => tx.delete('spaces', 's'))
    pass(30)
    clock.now += 2 * DAY
    expect([sweep(), sweep(), sweep(), sweep()]).toEqual([1000, 1000, 501, 0])
    expect(vault.query('SELECT id FROM notes')).toEqual([])
  })
})

describe('clocks', () => {
  for (const [name, apart] of [
    ['ten years ahead of', -10 * YEAR],
    ['ten years behind', 10 * YEAR],
    ['25 hours ahead of', -25 * 60 * 60 * 1000],
  ] as const) {
    test(`[CELL-8] [CELL-9] a clock that is ${name} the server's purges and notes nothing`, () => {
      const { note, remove, pass, server, vault, trashed } = device()
      note('n')
      remove('notes', 'n')
      server.apart = apart
      expect(pass(100)).toBe(0)
      expect(purgeTime(vault.store, 'notes', 'n')).toBeUndefined()
      expect(trashed()).toEqual(['n'])
      server.apart = 0
      expect(pass(30)).toBe(0)
      expect(pass(2)).toBe(1)
    })
  }

  test('[CELL-8] a clock that jumps years ahead and back hastens nothing', () => {
    const { note, remove, pass, server, clock, sweep, trashed } = device()
    note('n')
    remove('notes', 'n')
    pass(1)
    clock.now += 20 * YEAR
    server.apart = -20 * YEAR
    expect(sweep()).toBe(0)
    clock.now -= 20 * YEAR
    server.apart = 0
    expect(pass(28)).toBe(0)
    expect(trashed()).toEqual(['n'])
    expect(pass(3)).toBe(1)
  })

  test('[CELL-8] one that both have been ahead, device and server, leaves no row waiting for ever', () => {
    const { note, remove, clock, sweep, pass } = device()
    clock.now += 20 * YEAR
    note('n')
    remove('notes', 'n')
    sweep()
    clock.now -= 20 * YEAR
    expect(pass(30)).toBe(0)
    expect(pass(2)).toBe(1)
  })

  test('[CELL-8] no time of the server, no purge', () => {
    const { note, remove, clock, vault } = device()
    note('n')
    remove('notes', 'n')
    for (let day = 0; day < 100; day++) {
      clock.now += DAY
      expect(purgeExpired(vault.store, { now: clock.now, serverNow: undefined })).toBe(0)
    }
  })
})

describe('what goes along', () => {
  test('[CELL-7] [CELL-8] hidden notes go with their space, stars with their diff, and nothing else does', () => {
    const { vault, remove, pass, purged } = device()
    vault.transact((tx) => {
      tx.insert('spaces', {}, 's1')
      tx.insert('spaces', {}, 's2')
      tx.insert('notes', { space: 's1' }, 'in-s1')
      tx.insert('notes', { space: 's2' }, 'in-s2')
      tx.insert('diffs', {}, 'd1')
      tx.insert('diffs', {}, 'd2')
      tx.insert('stars', { diff: 'd1' }, 'on-d1')
      tx.insert('stars', { diff: 'd2' }, 'on-d2')
    })
    remove('spaces', 's1')
    remove('diffs', 'd1')
    expect(pass(32)).toBe(4)
    expect(['spaces', 'notes', 'diffs', 'stars'].map(purged)).toEqual([['s1'], ['in-s1'], ['d1'], ['on-d1']])
    expect(vault.query('SELECT id FROM notes UNION ALL SELECT id FROM stars')).toEqual([{ id: 'in-s2' }, { id: 'on-d2' }])
  })

  test('[CELL-7] [CELL-8] a space with a note that was edited after the delete stays, and all that is hidden in it', () => {
    const { vault, remove, pass, note, purged } = device()
    vault.transact((tx) => tx.insert('spaces', {}, 's'))
    note('hidden', 's')
    note('edited', 's')
    remove('spaces', 's')
    vault.transact((tx) => tx.update('notes', 'edited', { title: 'later' }))
    expect(pass(100)).toBe(0)
    vault.transact((tx) => {
      tx.insert('spaces', {}, 'other')
      tx.update('notes', 'edited', { space: 'other' })
    })
    expect(pass(1)).toBe(2)
    expect([purged('spaces'), purged('notes')]).toEqual([['s'], ['hidden']])
    expect(vault.query('SELECT id FROM notes')).toEqual([{ id: 'edited' }])
  })

  test('[CELL-8] a space waits for a note in it that was deleted later by itself', () => {
    const { vault, remove, pass, note, purged } = device()
    vault.transact((tx) => tx.insert('spaces', {}, 's'))
    note('early', 's')
    note('late', 's')
    remove('notes', 'early')
    remove('spaces', 's')
    pass(20)
    vault.transact((tx) => tx.update('notes', 'late', { title: 'edited' }))
    remove('notes', 'late')
    pass(15)
    expect([purged('spaces'), purged('notes')]).toEqual([[], ['early']])
    pass(20)
    expect([purged('spaces'), purged('notes')]).toEqual([['s'], ['early', 'late']])
  })

  test('[CELL-8] a damaged row stops no sync, and stays', () => {
    const { vault, remove, pass, note, purged } = device()
    note('damaged')
    note('sound')
    remove('notes', 'damaged', 'sound')
    vault.store.driver.exec("UPDATE rows_notes SET title = 'x' WHERE id = 'damaged'")
    pass(40)
    expect(purged('notes')).toEqual(['sound'])
  })
})

describe('several devices', () => {
  const sync = (device: TestVault, server: LogServer) => device.syncer(server).run()

  /** All have the note `n`; the first has deleted it, and everybody but `away` knows. Every clock shows the same. */
  async function deleted(count: number, away: number) {
    const server = new LogServer()
    const devices = Array.from({ length: count }, () => testVault())
    const exchange = async (...who: number[]) => {
      for (let round = 0; round < 3; round++) for (const i of who) await sync(devices[i] as TestVault, server)
    }
    const wait = (days: number) => {
      for (const { clock } of devices) clock.now += days * DAY
    }
    const sweep = (i: number) => {
      const { vault, clock } = devices[i] as TestVault
      return purgeExpired(vault.store, { now: clock.now, serverNow: clock.now })
    }
    const everybody = devices.map((_, i) => i)
    devices[0]?.vault.transact((tx) => tx.insert('notes', { title: 'title', text: 'the text', weight: 2 }, 'n'))
    await exchange(...everybody)
    wait(1)
    devices[0]?.vault.transact((tx) => tx.delete('notes', 'n'))
    const here = everybody.filter((i) => i !== away)
    await exchange(...here)
    for (const i of here) sweep(i)
    const converged = async () => {
      await exchange(...everybody)
      const [first, ...others] = devices.map(shown)
      for (const other of others) expect(other).toEqual(first)
      return devices[0]?.vault.query('SELECT id, title, text, weight FROM notes')
    }
    return { devices, exchange, wait, sweep, here, converged }
  }

  test('[CELL-8] an edit that was made elsewhere after the delete keeps the row from being purged', async () => {
    const { devices, exchange, wait, sweep, converged } = await deleted(3, 2)
    wait(10)
    devices[2]?.vault.transact((tx) => tx.update('notes', 'n', { title: 'edited' }))
    await exchange(2, 0, 1)
    wait(60)
    expect([sweep(0), sweep(1), sweep(2)]).toEqual([0, 0, 0])
    expect(await converged()).toEqual([{ id: 'n', title: 'edited', text: 'the text', weight: 2 }])
  })

  test('[CELL-8] all of them may purge the same row', async () => {
    const { wait, sweep, converged } = await deleted(3, -1)
    wait(40)
    expect([sweep(0), sweep(1), sweep(2)]).toEqual([1, 1, 1])
    expect(await converged()).toEqual([])
    wait(400)
    expect([sweep(0), sweep(1), sweep(2)]).toEqual([0, 0, 0])
  })

  test('[CELL-8] a device from a drawer that edited before the purge: the purge took it, on every device', async () => {
    const { devices, exchange, wait, sweep, converged } = await deleted(3, 2)
    wait(10)
    devices[2]?.vault.transact((tx) => tx.update('notes', 'n', { text: 'the text, edited in a drawer' }))
    wait(40)
    sweep(0)
    await exchange(0, 1)
    wait(365)
    expect(await converged()).toEqual([])
  })

  test('[CELL-8] a device from a drawer that edited after the purge brings the whole row back', async () => {
    const { devices, exchange, wait, sweep, converged } = await deleted(3, 2)
    wait(40)
    sweep(0)
    await exchange(0, 1)
    wait(365)
    devices[2]?.vault.transact((tx) => tx.update('notes', 'n', { text: 'the text, edited in a drawer' }))
    expect(await converged()).toEqual([{ id: 'n', title: 'title', text: 'the text, edited in a drawer', weight: 2 }])
    wait(40)
    expect([sweep(0), sweep(1), sweep(2)]).toEqual([0, 0, 0])
  })

  test('[CELL-8] taken back on one device while another purges: the later of the two counts, alike everywhere', async () => {
    for (const first of ['restore', 'purge']) {
      const { devices, wait, sweep, converged } = await deleted(2, -1)
      wait(40)
      const restore = () => devices[1]?.vault.transact((tx) => tx.restore('notes', 'n'))
      const purge = () => expect(sweep(0)).toBe(1)
      const [one, two] = first === 'restore' ? [restore, purge] : [purge, restore]
      one()
      wait(1 / 24)
      two()
      const left = await converged()
      expect(left).toEqual(first === 'restore' ? [] : [{ id: 'n', title: 'title', text: 'the text', weight: 2 }])
    }
  })
})

test('the trash is found by an index', () => {
  const { vault } = device()
  const sql = `SELECT _n, _edited FROM rows_notes WHERE _deleted = 1 AND (_state & ${ROW_STATE.purged}) = 0`
  expect(planOf(vault.store.driver, sql)).toEqual([expect.stringContaining('USING INDEX rows_notes_trash')])
})
