/** Links and codes against a real server: who can read what is published, and what travels for it [SHR-1] [SHR-2] [SHR-3]. */
import { expect, test, vi } from 'vitest'
import type { HttpClient } from '#http'
import { runningServer } from '../../../tests/support/running-server.ts'
import { signIn, testDevice } from './support/devices.ts'
import { join } from './support/members.ts'
import { codeOf } from './support/vaults.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

const diff = { title: 'Node 26', date: '2026-11-21', text: '# Node 26\n\n- Runs TypeScript.\n' }
const printed = ({ server, id, key }: { server: string; id: string; key: string }) => `${server}/s/${id}#${key}`

/** A signed-in device, and all that it and a stranger have sent. */
async function publisher() {
  const sent: string[] = []
  const network =
    (http: HttpClient): HttpClient =>
    (request) => {
      sent.push(
        `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${Buffer.from(request.body ?? []).toString('latin1')}`,
      )
      return http(request)
    }
  const server = await runningServer()
  const device = await testDevice({ network })
  await device.signIn(signIn(server))
  const stranger = await testDevice({ network })
  return { server, device, stranger, sent }
}

test('[SHR-1] [SHR-3] anyone with the link reads what is published until it is taken back; neither key nor text is in any request', async () => {
  const { device, stranger, sent } = await publisher()
  const link = device.sharing.newLink()
  expect(await codeOf(() => stranger.sharing.read(printed(link)))).toBe('share-gone')
  await device.sharing.publish(link, diff)
  expect(await stranger.sharing.read(printed(link))).toEqual(diff)
  // Again under the same link: another text in place of the first.
  await device.sharing.publish(link, { ...diff, text: 'mended' })
  expect((await stranger.sharing.read(printed(link))).text).toBe('mended')
  await device.sharing.unpublish(link)
  expect(await codeOf(() => stranger.sharing.read(printed(link)))).toBe('share-gone')
  await device.sharing.unpublish(link)
  const everything = sent.join('\n')
  expect(everything).toContain(link.id)
  const key = Buffer.from(link.key, 'base64url')
  for (const secret of [link.key, key.toString('hex'), key.toString('base64'), key.toString('latin1'), diff.title, 'mended']) {
    expect(everything).not.toContain(secret)
  }
})

test('[SHR-1] only the vault that published takes it back, from any of its devices', async () => {
  const { server, device } = await publisher()
  const link = device.sharing.newLink()
  await device.sharing.publish(link, diff)
  const phone = await join(server, 'phone')
  const other = await testDevice()
  await other.signIn(signIn(server, { vault: 'other' }))
  expect(await codeOf(() => other.sharing.unpublish(link))).toBe('server-refused')
  expect(await codeOf(() => other.sharing.publish(link, diff))).toBe('server-refused')
  expect(await phone.sharing.read(printed(link))).toEqual(diff)
  await phone.sharing.unpublish(link)
  expect(await codeOf(() => phone.sharing.read(printed(link)))).toBe('share-gone')
})

test('[SHR-3] a link with another key, a piece of one, and none at all', async () => {
  const { device, stranger } = await publisher()
  const link = device.sharing.newLink()
  await device.sharing.publish(link, diff)
  const other = device.sharing.newLink()
  expect(await codeOf(() => stranger.sharing.read(printed({ ...link, key: other.key })))).toBe('share-unreadable')
  expect(await codeOf(() => stranger.sharing.read(printed(link).slice(0, -4)))).toBe('bad-link')
  expect(await codeOf(() => stranger.sharing.read(link.server))).toBe('bad-link')
})

test('[SHR-1] what is over 1 MB is refused before it is sent', async () => {
  const { device, sent } = await publisher()
  sent.length = 0
  const text = 'x'.repeat(1024 * 1024)
  expect(await codeOf(() => device.sharing.publish(device.sharing.newLink(), { ...diff, text }))).toBe('value-too-large')
  expect(sent).toEqual([])
  await device.sharing.publish(device.sharing.newLink(), { ...diff, text: text.slice(0, 1_000_000) })
})

test('[SHR-1] what is on a server that the vault has left is not said to be gone', async () => {
  const { device, stranger } = await publisher()
  const link = device.sharing.newLink()
  await device.sharing.publish(link, diff)
  const elsewhere = await runningServer()
  await device.signIn(signIn(elsewhere, { move: true }))
  expect(await codeOf(() => device.sharing.unpublish(link))).toBe('published-elsewhere')
  expect(await stranger.sharing.read(printed(link))).toEqual(diff)
})

test('[SHR-1] signed out nothing can be published', async () => {
  const device = await testDevice()
  expect(await codeOf(async () => device.sharing.newLink())).toBe('not-signed-in')
})

test('[VAULT-2] a vault that was removed is noticed by publishing, too', async () => {
  const { server, device } = await publisher()
  const phone = await join(server, 'phone')
  await device.removeFromServer({ password: 'correct horse' })
  expect(await codeOf(() => phone.sharing.publish(phone.sharing.newLink(), diff))).toBe('vault-removed')
  expect(phone.status().state).toBe('not-on-server')
})

test('[SHR-2] a code brings another device to the vault once, however it is typed, and then no more', async () => {
  const { server, device, stranger } = await publisher()
  const { code, expiresAt } = await device.sharing.createCode()
  expect(Math.abs(expiresAt - Date.now() - 120_000)).toBeLessThan(60_000)
  const typed = ` ${code.slice(0, 3).toLowerCase()}-${code.slice(3)}`
  expect(await stranger.sharing.takeCode({ server: `${server.url}/`, code: typed })).toEqual({ server: server.url, vault: 'main' })
  expect(await codeOf(() => stranger.sharing.takeCode({ server: server.url, code }))).toBe('code-unknown')
  expect(await codeOf(() => stranger.sharing.takeCode({ server: server.url, code: 'O0O0O0' }))).toBe('code-unknown')
})
