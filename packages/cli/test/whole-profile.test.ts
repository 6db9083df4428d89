/** Somebody's whole diff·log profile moves in: from a server that speaks that dialect into a home, and from there to a second device. */
import type { Diff } from '@lockstep/model/diffs'
import type { Star } from '@lockstep/model/stars'
import { expect, it } from 'vitest'
import { DifflogStage, PASSWORD } from '../../../tests/dialects/difflog-stage.ts'
import { fillProfile, WHOLE } from '../../../tests/dialects/whole-profile.ts'
import { testHome } from './support/run.ts'

it('50 diffs of 20 kB, 100 stars and 30 TLDRs are imported, synced, and all on another device', async () => {
  const stage = await DifflogStage.set({ signUp: 'open' })
  const author = stage.local('profile-1')
  const written = fillProfile(author, 50)
  await author.share(PASSWORD)

  const [first, second] = [await testHome(), await testHome()]
  const input = `${PASSWORD}\n`
  const imported = await first.json(['import', 'difflog', '--server', stage.url, '--id', 'profile-1', '--password-stdin'], {
    input,
  })
  const { diffs, stars, tldrs } = WHOLE
  expect(imported).toMatchObject({ diffs: { added: diffs }, stars: { added: stars }, tldrs: { added: tldrs }, refused: [] })
  const account = ['--server', stage.url, '--vault', 'news', '--password-stdin', '--password-only']
  await first.json(['sign-in', ...account, '--new'], { input })
  await first.json(['sync'])
  await second.json(['sign-in', ...account], { input })
  await second.json(['sync'])

  const dated = (diffs: readonly Diff[]) => diffs.map(({ id, title, date, stars }) => ({ id, title, date, stars }))
  const here = await second.json<Diff[]>(['diff', 'list'])
  expect(here).toHaveLength(diffs)
  expect(dated(here)).toEqual(dated(await first.json<Diff[]>(['diff', 'list'])))
  for (const { id, title } of here) expect((await second.json<Diff>(['diff', 'show', id])).text).toBe(written.get(title))
  const starred = await second.json<Star[]>(['star', 'list'])
  expect(starred).toHaveLength(stars)
  expect(starred).toEqual(await first.json<Star[]>(['star', 'list']))
  expect(starred.every(({ text }) => text.length > 0)).toBe(true)
  // Bringing it again changes nothing, on either device.
  const again = await second.json(['import', 'difflog', '--server', stage.url, '--id', 'profile-1', '--password-stdin'], { input })
  expect(again).toMatchObject({ diffs: { added: 0, unchanged: diffs }, stars: { added: 0 }, tldrs: { added: 0 } })
})
