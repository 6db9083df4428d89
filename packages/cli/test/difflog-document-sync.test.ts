/** What travels, what is merged, what is deleted: the diff·log document's behaviours (docs/difflog-document.md). */
import { describe, expect, it, vi } from 'vitest'
import { type ProfileHome, type ProfileStage, profileStage } from './support/profiles.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

/** Two homes of one profile. */
async function twoHomes(): Promise<ProfileStage & { readonly a: ProfileHome; readonly b: ProfileHome }> {
  const stage = await profileStage()
  const [a, b] = [stage.home('a'), stage.home('b')]
  await a.share('--new')
  await b.share()
  return { ...stage, a, b }
}

/** Both have everything: what is sent by the one that syncs first, and what by the other. */
async function converge(a: ProfileHome, b: ProfileHome): Promise<void> {
  await a.sync()
  await b.sync()
  await a.sync()
  expect(await b.everything()).toEqual(await a.everything())
}

/** Requests as `GET /path`, without their queries. */
const asked = (stage: ProfileStage) => stage.network.take().map(({ method, path }) => `${method} ${path.split('?')[0]}`)

describe('Ongoing Sync', () => {
  it('both send and take in one command, and then hold the same', async () => {
    const { a, b } = await twoHomes()
    const mine = await a.addDiff('2026-03-01', 'from a')
    await b.addDiff('2026-03-02', 'from b')
    await a.star(mine, 1)
    await converge(a, b)
    expect(await b.titles()).toEqual(['from b', 'from a'])
    expect(await b.stars()).toEqual([`${mine}:1`])
  })
})

describe('Change Tracking', () => {
  it('every kind of change is pending until the server has it, over restarts and failed syncs', async () => {
    const { a, network } = await twoHomes()
    const diff = await a.addDiff('2026-03-01', 'one')
    await a.star(diff, 1)
    await a.addDiff('2026-03-02', 'two')
    await a.sync()
    const pending = async () => (await a.status()).pending
    expect(await pending()).toBe(0)
    network.online = false
    const counts = []
    for (const command of [
      ['star', 'add', diff, '2'],
      ['star', 'rm', `${diff}:1`],
      ['diff', 'rm', diff],
      ['profile', 'set', '--depth', 'deep'],
    ]) {
      await a.json(command)
      expect(await a.failure(['sync'])).toMatchObject({ status: 4, code: 'offline' })
      counts.push(await pending())
    }
    expect(counts).toEqual([1, 2, 3, 4])
    network.online = true
    await a.sync()
    expect(await pending()).toBe(0)
  })
})

describe('Upload Logic', () => {
  it('with nothing pending nothing is sent', async () => {
    const stage = await twoHomes()
    await stage.a.addDiff('2026-03-01', 'one')
    await stage.a.sync()
    stage.network.take()
    expect((await stage.a.sync()).uploaded).toEqual({ segments: 0, bytes: 0 })
    expect(asked(stage)).toEqual(['GET /v1/segments'])
  })
})

describe('Selective Upload', () => {
  it('[SYNC-1] one star among many diffs is one request of a few hundred bytes', async () => {
    const stage = await twoHomes()
    const { a, b, network } = stage
    const text = `intro\n\n${'a long paragraph about compilers '.repeat(600)}\n`
    for (let day = 1; day <= 12; day++) await a.addDiff(`2026-03-${String(day).padStart(2, '0')}`, `day ${day}`, text)
    await a.sync()
    await b.sync()
    const [first] = await a.diffs()
    await a.star(first?.id ?? '', 0)
    network.take()
    await a.sync()
    const exchanges = network.take()
    expect(exchanges.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /v1/segments'])
    expect(exchanges[0]?.sent.length).toBeLessThan(1024)
    // Also where another device has synced in between: what is here is not sent again.
    await b.star(first?.id ?? '', 1)
    await b.sync()
    await a.json(['profile', 'set', '--depth', 'deep'])
    network.take()
    await a.sync()
    const between = network.take()
    expect(between.map(({ method }) => method)).toEqual(['POST', 'GET'])
    expect(between.reduce((sum, { sent, received }) => sum + sent.length + received, 0)).toBeLessThan(3072)
    expect(await a.stars()).toHaveLength(2)
  })
})

describe('Selective Download', () => {
  it('[SYNC-1] a device that lacks one star fetches that, and no diff again', async () => {
    const { a, b, network } = await twoHomes()
    const text = `intro\n\n${'a long paragraph about compilers '.repeat(600)}\n`
    for (let day = 1; day <= 12; day++) await a.addDiff(`2026-03-${String(day).padStart(2, '0')}`, `day ${day}`, text)
    await a.sync()
    await b.sync()
    const [first] = await a.diffs()
    await a.star(first?.id ?? '', 0)
    await a.sync()
    network.take()
    await b.sync()
    const exchanges = network.take()
    expect(exchanges.map(({ method }) => method)).toEqual(['GET'])
    expect(exchanges[0]?.received).toBeLessThan(1024)
    expect(await b.stars()).toHaveLength(1)
  })
})

describe('Merge Logic', () => {
  it('both write apart, and converge in either order', async () => {
    for (const bFirst of [false, true]) {
      const { a, b } = await twoHomes()
      const shared = await a.addDiff('2026-03-01', 'shared')
      await converge(a, b)
      await a.addDiff('2026-03-02', 'from a')
      await b.addDiff('2026-03-03', 'from b')
      await a.star(shared, 0)
      await b.star(shared, 1)
      await (bFirst ? converge(b, a) : converge(a, b))
      expect(await a.titles()).toEqual(['from b', 'from a', 'shared'])
      expect((await a.stars()).sort()).toEqual([`${shared}:0`, `${shared}:1`])
    }
  })

  it('a diff deleted here and not yet sent does not come back; one not yet sent does not go away', async () => {
    const { a, b } = await twoHomes()
    const doomed = await a.addDiff('2026-03-01', 'doomed')
    await converge(a, b)
    await b.json(['profile', 'set', '--depth', 'deep'])
    await b.sync()
    await a.json(['diff', 'rm', doomed])
    await a.addDiff('2026-03-02', 'new')
    await a.sync()
    expect(await a.titles()).toEqual(['new'])
    await converge(a, b)
    expect(await b.titles()).toEqual(['new'])
  })

  it('the same star set on both is one star', async () => {
    const { a, b } = await twoHomes()
    const diff = await a.addDiff('2026-03-01', 'shared')
    await converge(a, b)
    await a.star(diff, 1)
    await b.star(diff, 1)
    await converge(a, b)
    expect(await a.stars()).toEqual([`${diff}:1`])
  })
})

describe('Profile Metadata Sync', () => {
  it('name, interests, depth, focus and API keys arrive, and so does taking one away', async () => {
    const { a, b } = await twoHomes()
    await a.json(['profile', 'set', '--name', 'Ada', '--languages', 'rust,zig', '--frameworks', 'axum', '--tools', 'jj'])
    await a.json(['profile', 'set', '--topics', 'databases', '--depth', 'deep', '--custom-focus', 'storage engines'])
    await a.json(['profile', 'set', '--api-key', 'anthropic'], { input: 'sk-1' })
    await converge(a, b)
    expect(await b.json(['profile', 'show', '--keys'])).toMatchObject({
      name: 'Ada',
      languages: ['rust', 'zig'],
      frameworks: ['axum'],
      tools: ['jj'],
      topics: ['databases'],
      depth: 'deep',
      customFocus: 'storage engines',
      apiKeys: [{ provider: 'anthropic', key: 'sk-1' }],
    })
    await b.json(['profile', 'set', '--languages', 'zig', '--remove-api-key', 'anthropic'])
    await converge(b, a)
    expect(await a.json(['profile', 'show'])).toMatchObject({ languages: ['zig'], apiKeys: [] })
  })
})

describe('Conflict Resolution', () => {
  it('[CELL-1] different fields changed apart both survive; of one field the later write does, whoever syncs first', async () => {
    for (const laterFirst of [false, true]) {
      const { a, b } = await twoHomes()
      await a.json(['profile', 'set', '--name', 'Ada', '--depth', 'quick'])
      await converge(a, b)
      await a.json(['profile', 'set', '--depth', 'standard'])
      await a.json(['profile', 'set', '--custom-focus', 'storage'])
      await b.json(['profile', 'set', '--name', 'Ada L.'])
      await b.json(['profile', 'set', '--depth', 'deep'])
      await (laterFirst ? converge(b, a) : converge(a, b))
      expect(await a.json(['profile', 'show'])).toMatchObject({ name: 'Ada L.', customFocus: 'storage', depth: 'deep' })
    }
  })

  it('[CELL-5] interests added apart are all kept, and what one took away stays away', async () => {
    const { a, b } = await twoHomes()
    await a.json(['profile', 'set', '--languages', 'rust,cobol'])
    await converge(a, b)
    await a.json(['profile', 'set', '--languages', 'rust,zig'])
    await b.json(['profile', 'set', '--languages', 'rust,cobol,ocaml'])
    await converge(a, b)
    expect(await a.json(['profile', 'show'])).toMatchObject({ languages: ['ocaml', 'rust', 'zig'] })
  })

  it('a star taken away offline is not set again by a device that still has it', async () => {
    const { a, b } = await twoHomes()
    const diff = await a.addDiff('2026-03-01', 'shared')
    await a.star(diff, 1)
    await converge(a, b)
    await a.json(['star', 'rm', `${diff}:1`])
    await b.star(diff, 0)
    await b.sync()
    await converge(a, b)
    expect(await b.stars()).toEqual([`${diff}:0`])
  })
})

describe('Deletions', () => {
  it('a deleted star and a deleted diff are gone on the other device, and wait in its trash', async () => {
    const { a, b } = await twoHomes()
    const [one, two] = [await a.addDiff('2026-03-01', 'one'), await a.addDiff('2026-03-02', 'two')]
    await a.star(two, 1)
    await converge(a, b)
    await a.json(['star', 'rm', `${two}:1`])
    await a.json(['diff', 'rm', one])
    await converge(a, b)
    expect(await b.titles()).toEqual(['two'])
    expect(await b.stars()).toEqual([])
    expect(await b.json(['trash', 'list'])).toContainEqual(expect.objectContaining({ kind: 'diff', id: one }))
    await b.json(['diff', 'restore', one])
    await converge(b, a)
    expect(await a.titles()).toEqual(['two', 'one'])
  })
})

describe('Cascade Deletes', () => {
  it('[CELL-7] the stars of a deleted diff go with it, also one that another device set meanwhile', async () => {
    const { a, b } = await twoHomes()
    const diff = await a.addDiff('2026-03-01', 'doomed')
    const kept = await a.addDiff('2026-03-02', 'kept')
    await a.star(diff, 0)
    await a.star(kept, 0)
    await converge(a, b)
    await b.star(diff, 1)
    await a.json(['diff', 'rm', diff])
    expect(await a.stars()).toEqual([`${kept}:0`])
    await b.sync()
    await converge(a, b)
    expect(await b.stars()).toEqual([`${kept}:0`])
  })

  it('[CELL-6] a diff made again on the same day replaces the earlier one and its stars, everywhere', async () => {
    const { a, b } = await twoHomes()
    const first = await a.addDiff('2026-03-01', 'morning')
    await a.star(first, 1)
    await converge(a, b)
    const second = await a.addDiff('2026-03-01', 'evening')
    await a.star(second, 0)
    await converge(a, b)
    expect(await b.diffs()).toMatchObject([{ id: second, title: 'evening', stars: 1 }])
    expect(await b.stars()).toEqual([`${second}:0`])
  })

  it('[CELL-6] two devices make the same day apart: one diff is shown, the same on both', async () => {
    const { a, b } = await twoHomes()
    const mine = await a.addDiff('2026-03-01', 'by a')
    const theirs = await b.addDiff('2026-03-01', 'by b')
    await a.star(mine, 1)
    await b.star(theirs, 1)
    await converge(a, b)
    expect(await a.titles()).toEqual(['by b'])
    expect(await a.stars()).toEqual([`${theirs}:1`])
  })
})

describe('Deletion Propagation', () => {
  it('[SYNC-3] only a deletion deletes: a device that has never seen a diff takes nothing away', async () => {
    const { a, b, home } = await twoHomes()
    const doomed = await a.addDiff('2026-03-01', 'doomed')
    await a.addDiff('2026-03-02', 'kept')
    await converge(a, b)
    const c = home('c')
    await c.addDiff('2026-03-03', 'from c')
    await c.share()
    await a.json(['diff', 'rm', doomed])
    await converge(a, b)
    await c.sync()
    for (const each of [a, b, c]) {
      await each.sync()
      expect(await each.titles()).toEqual(['from c', 'kept'])
    }
  })
})

describe('Hash Comparison', () => {
  it('[SYNC-1] [LOG-4] devices in step find that out with one request, answered in at most 150 bytes', async () => {
    const stage = await twoHomes()
    const { a, b, network } = stage
    for (let day = 10; day < 20; day++) await a.addDiff(`2026-03-${day}`, `day ${day}`)
    await converge(a, b)
    for (const each of [a, b]) {
      network.take()
      await each.sync()
      const exchanges = network.take()
      expect(exchanges).toMatchObject([{ method: 'GET', status: 200 }])
      expect(exchanges[0]?.path).toMatch(/^\/v1\/segments\?after=\d+&chain=[0-9a-f]{64}$/)
      expect(exchanges[0]?.received).toBeLessThanOrEqual(150)
    }
  })
})

describe('Profile Sync State', () => {
  it('local only, pending, synced, offline, not on server: in words, and as JSON', async () => {
    const { home, network } = await profileStage()
    const a = home('a')
    await a.addDiff('2026-03-01', 'one')
    expect([await a.state(), (await a.status()).state]).toEqual([expect.stringMatching(/^local only\b/), 'local'])
    await a.signIn()
    expect([await a.state(), (await a.status()).state]).toEqual([expect.stringMatching(/^pending ◆/), 'pending'])
    await a.sync()
    expect([await a.state(), (await a.status()).state]).toEqual([
      expect.stringMatching(/^synced \d{4}-\d\d-\d\d \d\d:\d\d$/),
      'synced',
    ])
    expect(await a.status()).toMatchObject({ offlineSince: null })
    await a.json(['star', 'add', (await a.diffs())[0]?.id ?? '', '0'])
    expect(await a.state()).toMatch(/^pending ◆/)
    network.online = false
    const before = Date.now()
    expect(await a.failure(['sync'])).toMatchObject({ status: 4, code: 'offline' })
    expect(await a.state()).toMatch(/^offline since \d{4}-\d\d-\d\d \d\d:\d\d: /)
    const { offlineSince, state } = await a.status()
    expect(state).toBe('pending')
    expect(offlineSince).toBeGreaterThanOrEqual(before)
    expect(await a.failure(['sync'])).toMatchObject({ code: 'offline' })
    expect(await a.status()).toMatchObject({ offlineSince })
    network.online = true
    await a.sync()
    expect(await a.status()).toMatchObject({ state: 'synced', offlineSince: null })
    await a.json(['sign-out'])
    expect([await a.state(), (await a.status()).state]).toEqual([expect.stringMatching(/^not on server\b/), 'not-on-server'])
  })
})
