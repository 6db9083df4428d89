/** Somebody's whole diff·log profile moves in: from a server that speaks that dialect into a home, and from there to a second device. */
import type { Diff } from '@lockstep/model/diffs'
import type { Star } from '@lockstep/model/stars'
import { expect, it } from 'vitest'
import { DifflogStage, diffOf, PASSWORD, starOf, tldrOf } from '../../../tests/dialects/difflog-stage.ts'
import { Random } from '../../../tests/support/random.ts'
import { testHome } from './support/run.ts'

const DIFFS = 50
const DIFF_BYTES = 20_000
const STARS = 100
const TLDRS = 30

const WORDS = 'compiler kernel release борщ パッチ faster <b>smaller</b> `cargo` [link](https://example.org/a) 🦀 index'.split(' ')

/** A digest of about 20 kB: sections of news, one paragraph or list item each. */
function content(random: Random, day: number): string {
  const parts = [`# Day ${day}`]
  while (Buffer.byteLength(parts.join('\n\n')) < DIFF_BYTES) {
    const words = Array.from({ length: 20 + random.below(40) }, () => WORDS[random.below(WORDS.length)])
    parts.push(random.below(4) === 0 ? `## ${words.slice(0, 4).join(' ')}` : `- ${words.join(' ')}`)
  }
  return parts.join('\n\n')
}

it('50 diffs of 20 kB, 100 stars and 30 TLDRs are imported, synced, and all on another device', async () => {
  const stage = await DifflogStage.set({ signUp: 'open' })
  const random = new Random(50)
  const author = stage.local('profile-1')
  for (let day = 1; day <= DIFFS; day++) author.profile.put('diffs', { ...diffOf(`d${day}`, day), content: content(random, day) })
  for (let i = 0; i < STARS; i++) author.profile.put('stars', starOf(`d${1 + (i % DIFFS)}`, 1 + Math.floor(i / DIFFS)))
  for (let i = 1; i <= TLDRS; i++) author.profile.put('tldrs', tldrOf(`d${i}`, 1))
  await author.share(PASSWORD)

  const [first, second] = [await testHome(), await testHome()]
  const input = `${PASSWORD}\n`
  const imported = await first.json(['import', 'difflog', '--server', stage.url, '--id', 'profile-1', '--password-stdin'], {
    input,
  })
  expect(imported).toMatchObject({ diffs: { added: DIFFS }, stars: { added: STARS }, tldrs: { added: TLDRS }, refused: [] })
  const account = ['--server', stage.url, '--vault', 'news', '--password-stdin', '--password-only']
  await first.json(['sign-in', ...account, '--new'], { input })
  await first.json(['sync'])
  await second.json(['sign-in', ...account], { input })
  await second.json(['sync'])

  const dated = (diffs: readonly Diff[]) => diffs.map(({ id, title, date, stars }) => ({ id, title, date, stars }))
  const here = await second.json<Diff[]>(['diff', 'list'])
  expect(here).toHaveLength(DIFFS)
  expect(dated(here)).toEqual(dated(await first.json<Diff[]>(['diff', 'list'])))
  const written = new Map(author.profile.all('diffs').map((diff) => [diff.title, diff.content]))
  for (const { id, title } of here) expect((await second.json<Diff>(['diff', 'show', id])).text).toBe(written.get(title))
  const stars = await second.json<Star[]>(['star', 'list'])
  expect(stars).toHaveLength(STARS)
  expect(stars).toEqual(await first.json<Star[]>(['star', 'list']))
  expect(stars.every(({ text }) => text.length > 0)).toBe(true)
  // Bringing it again changes nothing, on either device.
  const again = await second.json(['import', 'difflog', '--server', stage.url, '--id', 'profile-1', '--password-stdin'], { input })
  expect(again).toMatchObject({ diffs: { added: 0, unchanged: DIFFS }, stars: { added: 0 }, tldrs: { added: 0 } })
})
