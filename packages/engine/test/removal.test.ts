/** A vault that is taken off its server: what its devices have stays, and can be shared anew [VAULT-1] [VAULT-2]. */
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { EngineError } from '#errors'
import type { HttpClient } from '#http'
import type { RunningServer } from '../../../tests/support/running-server.ts'
import { PASSPHRASE, signIn, testDevice } from './support/devices.ts'
import { homeFile } from './support/homes.ts'
import { join, PASSWORD, type TestDevice, titles, vaultOf, write } from './support/members.ts'
import { codeOf } from './support/vaults.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const proof = { password: PASSWORD }

/** Counts what a device asks its server. */
function counting() {
  const asked: string[] = []
  const network =
    (http: HttpClient): HttpClient =>
    (request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`)
      return http(request)
    }
  return { asked, network }
}

const texts = ({ vault }: TestDevice) =>
  vault.query('SELECT title, text, tags FROM notes ORDER BY title').map(({ title, text, tags }) => [title, text, tags])
const share = (server: RunningServer, more: Parameters<typeof signIn>[1] = {}) =>
  signIn(server, { password: 'another password', passphrase: undefined, passwordOnly: true, ...more })

test('[VAULT-1] [VAULT-2] the device that removes it is signed out there, holds no key of it, and has everything', async () => {
  const { server, devices } = await vaultOf(['laptop', 'phone'])
  const [laptop, phone] = devices as [TestDevice, TestDevice]
  write(laptop, 'from the laptop')
  await laptop.sync()
  write(phone, 'from the phone')
  await phone.sync()
  // The laptop has not fetched that yet: it is fetched before the server forgets it.
  await laptop.removeFromServer(proof)
  expect(titles(laptop)).toEqual(['from the laptop', 'from the phone'])
  expect(laptop.status()).toMatchObject({ state: 'not-on-server', pending: 2, server: server.url, vault: 'main', problems: [] })
  expect(laptop.profile).toMatchObject({ signedIn: false })
  expect(laptop.profile.passphrase).toBeUndefined()
  const keys = homeFile(laptop.home, 'keys.json')
  expect(Object.keys(keys).sort()).toEqual(['deviceId', 'devicePrivateKey', 'format'])
  expect(await codeOf(() => laptop.sync())).toBe('not-signed-in')
})

test('[VAULT-2] other devices are told once, ask nothing more, and keep everything, also what they had not sent', async () => {
  const { asked, network } = counting()
  const { devices } = await vaultOf(['laptop', 'phone'], { phone: network })
  const [laptop, phone] = devices as [TestDevice, TestDevice]
  write(laptop, 'shared')
  await laptop.sync()
  await phone.sync()
  write(phone, 'not sent')
  await laptop.removeFromServer(proof)
  asked.length = 0
  expect(await codeOf(() => phone.sync())).toBe('vault-removed')
  expect(asked).toHaveLength(1)
  expect(titles(phone)).toEqual(['not sent', 'shared'])
  expect(phone.status()).toMatchObject({ state: 'not-on-server', pending: 2 })
  expect(phone.status().problems.map(({ code }) => code)).toEqual(['vault-removed'])
  expect(await codeOf(() => phone.sync())).toBe('not-signed-in')
  expect(asked).toHaveLength(1)
})

test('[VAULT-2] a live connection is told at once', async () => {
  const { devices } = await vaultOf(['laptop', 'phone'])
  const [laptop, phone] = devices as [TestDevice, TestDevice]
  const connected = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<string>()
  const watch = phone.watch({
    mode: 'live',
    onEvent: (event) => {
      if (event.type === 'live' && event.connected) connected.resolve()
      if (event.type === 'stopped') stopped.resolve(event.error.code)
    },
  })
  await connected.promise
  await laptop.removeFromServer(proof)
  expect(await stopped.promise).toBe('vault-removed')
  await watch.stop()
  expect(phone.status().state).toBe('not-on-server')
})

test('[VAULT-2] shared anew under the same name, each device brings what it has, and all have the same again', async () => {
  const { server, devices } = await vaultOf(['laptop', 'phone'])
  const [laptop, phone] = devices as [TestDevice, TestDevice]
  const id = laptop.vault.transact((tx) => tx.insert('notes', { title: 'note', text: 'one two three' }))
  laptop.vault.transact((tx) => tx.setMember('notes', id, 'tags', 'a', true))
  const gone = write(laptop, 'deleted')
  laptop.vault.transact((tx) => tx.delete('notes', gone))
  await laptop.sync()
  await phone.sync()
  phone.vault.transact((tx) => tx.update('notes', id, { text: 'one two three four' }))
  await phone.sync()
  await laptop.sync()
  laptop.vault.transact((tx) => tx.update('notes', id, { text: 'zero one two three four' }))
  await laptop.removeFromServer(proof)
  phone.vault.transact((tx) => tx.update('notes', id, { text: 'one two three four five' }))
  phone.vault.transact((tx) => tx.setMember('notes', id, 'tags', 'b', true))
  expect(await codeOf(() => phone.sync())).toBe('vault-removed')

  const made = await laptop.signIn(share(server, { intent: 'create' }))
  expect(made).toMatchObject({ vault: 'main', created: true })
  expect(laptop.status()).toMatchObject({ state: 'pending', problems: [] })
  await laptop.sync()
  expect(laptop.status()).toMatchObject({ state: 'synced', pending: 0 })
  await phone.signIn(share(server, { intent: 'join', deviceName: 'phone' }))
  expect(phone.status().problems).toEqual([])
  await phone.sync()
  await laptop.sync()
  await phone.sync()
  const tablet = await join(server, 'tablet', share(server, { intent: 'join', deviceName: 'tablet' }))
  const expected = [['note', 'zero one two three four five', '["a","b"]']]
  for (const device of [laptop, phone, tablet]) {
    expect(texts(device)).toEqual(expected)
    expect(device.vault.trash().map(({ id: row }) => row)).toEqual([gone])
    expect(device.status()).toMatchObject({ state: 'synced', pending: 0, problems: [] })
  }
  // And it goes on from there.
  tablet.vault.transact((tx) => tx.update('notes', id, { text: 'done' }))
  await tablet.sync()
  for (const device of [laptop, phone]) {
    await device.sync()
    expect(texts(device)).toEqual([['note', 'done', '["a","b"]']])
  }
  expect((await laptop.listDevices()).map(({ name }) => name).sort()).toEqual(['laptop', 'phone', 'tablet'])
  for (const device of [laptop, phone, tablet]) {
    const names = device.vault.query('SELECT name FROM _devices ORDER BY name').map(({ name }) => name)
    expect(names).toEqual(['laptop', 'phone', 'tablet'])
  }
})

test('[VAULT-2] what nobody has but a device that did not write it gets there, too; what the new server has is not sent again', async () => {
  const { server, devices } = await vaultOf(['laptop', 'phone', 'tablet'])
  const [laptop, phone, tablet] = devices as [TestDevice, TestDevice, TestDevice]
  for (let i = 0; i < 300; i++) {
    laptop.vault.transact((tx) => tx.insert('notes', { title: `${i}`, text: randomBytes(100).toString('base64') }))
  }
  await laptop.sync()
  await phone.sync()
  await tablet.sync()
  await laptop.removeFromServer(proof)
  for (const device of [phone, tablet]) expect(await codeOf(() => device.sync())).toBe('vault-removed')
  // The laptop never comes back: its notes are brought by the phone, which wrote none of them.
  await phone.signIn(share(server, { intent: 'create' }))
  const { uploaded } = await phone.sync()
  expect(uploaded.bytes).toBeGreaterThan(30_000)
  await tablet.signIn(share(server, { intent: 'join' }))
  write(tablet, 'of the tablet')
  const second = await tablet.sync()
  expect(second.uploaded.bytes).toBeLessThan(2000)
  expect(titles(tablet)).toHaveLength(301)
  const other = await join(server, 'other', share(server, { intent: 'join' }))
  expect(titles(other)).toHaveLength(301)
})

test('[VAULT-1] neither a session alone nor a wrong password removes it', async () => {
  const { devices } = await vaultOf(['laptop'])
  const [laptop] = devices as [TestDevice]
  expect(await codeOf(() => laptop.removeFromServer({ password: 'wrong' }))).toBe('wrong-credentials')
  expect(laptop.status().state).toBe('synced')
  await laptop.sync()
})

test('[VAULT-1] a removal whose answer was lost is found out with the next question, and asked again it is done', async () => {
  let lose = false
  const losing =
    (http: HttpClient): HttpClient =>
    async (request) => {
      const response = await http(request)
      if (!lose || request.method !== 'DELETE') return response
      lose = false
      throw new EngineError('offline', 'lost')
    }
  const { devices } = await vaultOf(['laptop'], { laptop: losing })
  const [laptop] = devices as [TestDevice]
  write(laptop, 'kept')
  await laptop.sync()
  lose = true
  expect(await codeOf(() => laptop.removeFromServer(proof))).toBe('offline')
  expect(await codeOf(() => laptop.removeFromServer(proof))).toBe('vault-removed')
  expect(laptop.status()).toMatchObject({ state: 'not-on-server', pending: 1 })
  expect(titles(laptop)).toEqual(['kept'])
})

test('[VAULT-2] stopped between database and keys it goes on when the home is opened again', async () => {
  const { server, devices } = await vaultOf(['laptop'])
  const [laptop] = devices as [TestDevice]
  write(laptop, 'kept')
  await laptop.sync()
  await laptop.close()
  const before = await testDevice({ home: laptop.home })
  // As after a power cut: the database says that the vault is left, the files still hold its keys.
  before.vault.store.write('remote', () => before.vault.store.meta.set('leaving', 1))
  await before.close()
  const device = await testDevice({ home: laptop.home })
  expect(Object.keys(homeFile(laptop.home, 'keys.json')).sort()).toEqual(['deviceId', 'devicePrivateKey', 'format'])
  expect(device.profile).toMatchObject({ signedIn: false, server: server.url })
})

test('[VAULT-2] signing out of it works as ever, and it can be shared anew afterwards', async () => {
  const { server, devices } = await vaultOf(['laptop', 'phone'])
  const [laptop, phone] = devices as [TestDevice, TestDevice]
  write(phone, 'of the phone')
  await phone.sync()
  await laptop.removeFromServer(proof)
  expect(await phone.signOut({ wipe: false })).toEqual({ serverTold: true })
  await phone.signIn(signIn(server, { vault: 'mine', passphrase: PASSPHRASE }))
  await phone.sync()
  const other = await join(server, 'other', { vault: 'mine' })
  expect(titles(other)).toEqual(['of the phone'])
})

test('[VAULT-2] a device that was signed out before brings what it has into the new vault, where its person says so', async () => {
  const { server, devices } = await vaultOf(['laptop', 'phone'])
  const [laptop, phone] = devices as [TestDevice, TestDevice]
  write(laptop, 'of both')
  await laptop.sync()
  await phone.sync()
  write(phone, 'of the phone')
  await phone.signOut({ wipe: false })
  await laptop.removeFromServer(proof)
  await laptop.signIn(share(server, { intent: 'create' }))
  await laptop.sync()
  const joining = share(server, { intent: 'join', deviceName: 'phone' })
  expect(await codeOf(() => phone.signIn(joining))).toBe('wrong-vault')
  await phone.signIn({ ...joining, move: true })
  await phone.sync()
  await laptop.sync()
  for (const device of [laptop, phone]) expect(titles(device)).toEqual(['of both', 'of the phone'])
})
