/** What a device tells of itself between syncs. */
import { expect, test } from 'vitest'
import { EngineError } from '#errors'
import { runningServer } from '../../../tests/support/running-server.ts'
import { signIn, testDevice } from './support/devices.ts'
import { codeOf } from './support/vaults.ts'

/** A signed-in device whose network a test cuts. */
async function connected() {
  const network = { online: true }
  const server = await runningServer()
  const device = await testDevice({
    network: (http) => async (request) => {
      if (!network.online) throw new EngineError('offline', 'out of reach')
      return http(request)
    },
  })
  await device.signIn(signIn(server))
  await device.sync()
  return { device, network }
}

test('since when the server is out of reach: from the first failure to the next answer, one way or the other', async () => {
  const { device, network } = await connected()
  expect(device.status().offlineSince).toBeUndefined()
  network.online = false
  const before = Date.now()
  expect(await codeOf(() => device.sync())).toBe('offline')
  const { offlineSince } = device.status()
  expect(offlineSince).toBeGreaterThanOrEqual(before)
  expect(await codeOf(() => device.sync())).toBe('offline')
  expect(device.status()).toMatchObject({ offlineSince, state: 'synced' })
  network.online = true
  await device.sync()
  expect(device.status().offlineSince).toBeUndefined()
})

test('a watch tells it, too, and signed out there is no server to be out of reach', async () => {
  const { device, network } = await connected()
  network.online = false
  const failed = Promise.withResolvers<void>()
  const watch = device.watch({ mode: 'auto', onEvent: ({ type }) => type === 'failed' && failed.resolve() })
  await failed.promise
  expect(device.status().offlineSince).toEqual(expect.any(Number))
  await watch.stop()
  await device.signOut({ wipe: false })
  expect(device.status()).toMatchObject({ state: 'not-on-server', offlineSince: undefined })
})

test('a disk that cannot take the note does not hide why the sync failed', async () => {
  const { device, network } = await connected()
  network.online = false
  device.vault.store.driver.exec('PRAGMA query_only = 1')
  expect(await codeOf(() => device.sync())).toBe('offline')
  device.vault.store.driver.exec('PRAGMA query_only = 0')
  expect(device.status().offlineSince).toBeUndefined()
})
