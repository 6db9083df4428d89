/** A server that is gone for good, with the real one: three devices, nothing at hand but their states [LOG-9]. */
import { expect, test } from 'vitest'
import type { SyncResult } from '#sync'
import { runningServer } from '../../../tests/support/running-server.ts'
import { signIn, testDevice } from './support/devices.ts'
import { rowStates } from './support/row-states.ts'

const NOTES = 1500

/** What was sealed is too old to be at hand: only the state is left. */
function forgetTail({ vault }: Awaited<ReturnType<typeof testDevice>>): void {
  vault.store.driver.exec('DELETE FROM _tail; UPDATE _segments SET sealed = NULL WHERE seq IS NOT NULL')
}

test('[LOG-9] [LOG-10] [KEY-6] after a wipe one of three devices uploads the vault as seeds, and nothing is lost', async () => {
  const before = await runningServer()
  const devices = [await testDevice(), await testDevice(), await testDevice()] as const
  const [one, two, three] = devices
  await one.signIn(signIn(before))
  one.vault.transact((tx) => {
    for (let i = 0; i < NOTES; i++) tx.insert('notes', { title: `note ${i}`, text: `${i} `.repeat(60) }, `n${i}`)
  })
  const uploaded = (await one.sync()).uploaded.bytes
  for (const device of [two, three]) {
    await device.signIn(signIn(before, { intent: 'join' }))
    await device.sync()
  }
  two.vault.transact((tx) => tx.update('notes', 'n7', { text: 'edited at two' }))
  for (const device of [two, one, three]) await device.sync()
  const expected = rowStates(one.vault.store)
  for (const device of devices) forgetTail(device)
  await before.close()

  const after = await runningServer()
  await one.signIn(signIn(after, { move: true }))
  for (const device of [two, three]) {
    await device.signOut({ wipe: false })
    await device.signIn(signIn(after, { intent: 'join' }))
  }
  // Something of each waits that no server has.
  devices.forEach(({ vault }, i) => {
    vault.transact((tx) => tx.insert('notes', { title: `new ${i}` }, `new${i}`))
  })
  const results: SyncResult[] = []
  for (let round = 0; round < 4; round++) {
    const settled = await Promise.allSettled(devices.map((device) => device.sync()))
    for (const result of settled) {
      if (result.status === 'fulfilled') results.push(result.value)
      else expect(result.reason).toMatchObject({ code: 'conflict' })
    }
  }
  const given = results.reduce((sum, { repaired }) => sum + repaired.bytes, 0)
  console.log(`the vault: ${uploaded} bytes; given back by three devices at once: ${given} bytes`)
  expect(given).toBeGreaterThan(uploaded / 2)
  expect(given).toBeLessThan(uploaded * 1.2)
  for (const device of devices) expect(device.status().pending).toBe(0)
  const fresh = await testDevice()
  await fresh.signIn(signIn(after, { intent: 'join' }))
  await fresh.sync()
  await one.sync()
  const all = rowStates(one.vault.store)
  expect(rowStates(fresh.vault.store)).toEqual(all)
  expect(fresh.vault.query("SELECT text FROM notes WHERE id = 'n7'")).toEqual([{ text: 'edited at two' }])
  expect(fresh.vault.query("SELECT count(*) AS c FROM notes WHERE id LIKE 'new%'")).toEqual([{ c: 3 }])
  expect(Object.keys(all).length).toBeGreaterThanOrEqual(Object.keys(expected).length)
  for (const device of [...devices, fresh]) {
    await device.sync()
    await device.sync()
    expect(device.status().problems.filter(({ code }) => code !== 'own-clock')).toEqual([])
  }
})
