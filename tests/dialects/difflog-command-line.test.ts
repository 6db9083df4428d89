/** The diff·log CLI against our server: its sign-in by way of the browser, what it reads, and the lone uploads it makes. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { contentKey, decrypt, encrypt, transportHash } from './difflog-client/sealing.ts'
import { DifflogStage, METADATA, PASSWORD, starOf } from './difflog-stage.ts'

test('the browser hands the session over by a code of 12 hex digits, once', async () => {
  const { server } = await DifflogStage.set()
  const code = randomBytes(6).toString('hex')
  const key = randomBytes(32)
  expect(await server.takeOver(code)).toBeUndefined()
  const session = { profile: 'profile-1', password: PASSWORD }
  expect(await server.handOver(code, encrypt(key, session), Date.now() + 60_000)).toEqual({ ok: true })
  expect(decrypt(key, (await server.takeOver(code)) as string)).toEqual(session)
  expect(await server.takeOver(code)).toBeUndefined()
  for (const bad of ['abc', `${code}0`, code.replace(/.$/, 'g')]) {
    await expect(server.takeOver(bad)).rejects.toMatchObject({ status: 400, body: { error: 'Invalid code' } })
  }
})

test('a sign-in reads share, profile and content; stars and settings go up by a lone sync', async () => {
  const stage = await DifflogStage.set()
  const [web] = await stage.devices(1, 2)
  const { server } = stage
  const { password_salt } = await server.shared('profile-1')
  const hash = transportHash(PASSWORD, password_salt)
  const profile = await server.profile('profile-1', hash)
  expect(profile).toMatchObject({ id: 'profile-1', ...METADATA, resolved_sources: null })
  expect(profile).not.toHaveProperty('encrypted_diffs')
  const key = await contentKey(PASSWORD, profile.salt)
  const content = await server.content('profile-1', hash, {})
  expect(content.diffs.map(({ id }) => id)).toEqual(['d1', 'd2'])
  const whole = await server.profile('profile-1', hash, true)
  expect(whole.encrypted_diffs).toEqual(content.diffs.map(({ encrypted_data }) => encrypted_data))
  expect(whole.encrypted_stars).toHaveLength(2)

  const star = starOf('d2', 6)
  const uploaded = await server.sync('profile-1', hash, { stars: [{ id: star.id, encrypted_data: encrypt(key, star) }] })
  expect(uploaded).toEqual({
    success: true,
    synced: { diffs: 0, stars: 1, tldrs: 0, deleted_diffs: 0, deleted_stars: 0, deleted_tldrs: 0 },
  })
  await server.sync('profile-1', hash, { profile: { ...METADATA, depth: 'quick' } })
  await web.autoSync()
  expect(web.profile.ids('stars')).toContain('d2:6')
  expect(web.profile.metadata.depth).toBe('quick')
})
