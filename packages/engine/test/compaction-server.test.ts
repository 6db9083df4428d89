/** Merging with the real server, through everything that is between: routes, storage, sealing, sync. */
import { toHex } from '@lockstep/protocol/bytes'
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { Remote } from '#remote'
import { Random, runs } from '../../../tests/support/random.ts'
import { runningServer } from '../../../tests/support/running-server.ts'
import { signIn, testDevice } from './support/devices.ts'
import { sharedHttp } from './support/merging.ts'
import { rowStates } from './support/row-states.ts'

test('[LOG-6] [LOG-10] two devices in use keep the server’s log short, and a third finds all of it', async () => {
  const server = await runningServer()
  const shared = sharedHttp()
  const one = await testDevice({ network: shared.use })
  const two = await testDevice()
  await one.signIn(signIn(server))
  await two.signIn(signIn(server, { intent: 'join', deviceName: 'phone' }))
  await two.sync()
  const random = new Random(17)
  const edits = runs(260)
  for (let i = 0; i < edits; i++) {
    const device = i % 2 === 0 ? one : two
    device.vault.transact((tx) => {
      const id = `n${random.below(40)}`
      const text = String(tx.get('notes', id)?.text ?? '')
      const at = random.below(text.length + 1)
      tx.put('notes', id, { title: `title ${i}`, text: `${text.slice(0, at)} ${i} ${text.slice(at + random.below(4))}` })
      if (random.chance(0.1)) tx.setMember('notes', id, 'tags', `tag ${random.below(5)}`, true)
      if (random.chance(0.05)) tx.purge('notes', `n${random.below(40)}`)
    })
    await device.sync()
  }
  for (const device of [one, two, one, two]) await device.sync()
  const expected = rowStates(one.vault.store)
  expect(rowStates(two.vault.store)).toEqual(expected)

  const remote = new Remote({ server: server.url, http: shared.http })
  const { entries, position } = await remote.index(shared.token(), 1)
  expect(position.head).toBeGreaterThan(edits)
  expect(entries.length).toBeLessThanOrEqual(32 + 64 + 8)
  expect(entries.some(({ kind }) => kind === SEGMENT_KIND.merged)).toBe(true)
  console.log(
    `${edits} edits: head ${position.head}, ${entries.length} entries, ${entries.reduce((sum, { bytes }) => sum + bytes, 0)} bytes`,
  )

  const fresh = await testDevice()
  await fresh.signIn(signIn(server, { intent: 'join', deviceName: 'tablet' }))
  await fresh.sync()
  await one.sync()
  expect(rowStates(fresh.vault.store)).toEqual(rowStates(one.vault.store))
  expect(toHex(fresh.vault.store.meta.get('chain') as Uint8Array)).toBe(toHex(one.vault.store.meta.get('chain') as Uint8Array))
  for (const { vault } of [one, two, fresh]) expect(vault.problems()).toEqual([])
})
