/** Syncing by itself, and what ends it: the diff·log document's behaviours (docs/difflog-document.md). */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { PASSWORD, type ProfileHome, profileStage, typed, watchAutomatically } from './support/profiles.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

/** Makes a home believe that its last sync was that long ago. */
function ageLastSync(home: ProfileHome, millis: number): void {
  const database = new DatabaseSync(join(home.folder, 'vault.db'), { timeout: 5000 })
  database.prepare("UPDATE _meta SET value = ? WHERE key = 'lastSyncedAt'").run(Date.now() - millis)
  database.close()
}

const moved = (counts: { readonly segments: number } | undefined) => counts !== undefined && counts.segments > 0

async function twoHomes() {
  const stage = await profileStage()
  const [a, b] = [stage.home('a'), stage.home('b')]
  await a.share('--new')
  await b.share()
  return { ...stage, a, b }
}

describe('Auto-Sync', () => {
  it('at the start, where the other device has something new', async () => {
    const { a, b } = await twoHomes()
    await b.addDiff('2026-03-01', 'from b')
    await b.sync()
    const watch = watchAutomatically(a)
    await watch.next((line) => moved(line.downloaded))
    expect(await a.titles()).toEqual(['from b'])
    expect(await watch.stop()).toMatchObject({ status: 0, err: '' })
    // No live connection: that is what the other mode does.
    expect(watch.lines.map(({ event }) => event)).not.toContain('connected')
  })

  it('2 s after a change that any process makes in this home, and not before', async () => {
    const { a, b } = await twoHomes()
    const watch = watchAutomatically(a)
    await watch.next(({ event }) => event === 'synced')
    const before = Date.now()
    await a.addDiff('2026-03-01', 'from a')
    const { at } = await watch.next((line) => moved(line.uploaded))
    expect(at - before).toBeGreaterThanOrEqual(2000)
    await b.sync()
    expect(await b.titles()).toEqual(['from a'])
  })

  it('when the last sync is over an hour old, and not before', async () => {
    const { a, b, network } = await twoHomes()
    const watch = watchAutomatically(a)
    await watch.next(({ event }) => event === 'synced')
    await b.addDiff('2026-03-01', 'from b')
    await b.sync()
    network.take()
    ageLastSync(a, 59 * 60 * 1000)
    await sleep(1200)
    expect(network.take()).toEqual([])
    ageLastSync(a, 61 * 60 * 1000)
    await watch.next((line) => moved(line.downloaded))
    expect(await a.titles()).toEqual(['from b'])
  })

  it('a server that cannot be reached is tried again by itself', async () => {
    const { a, b, network } = await twoHomes()
    const watch = watchAutomatically(a)
    await watch.next(({ event }) => event === 'synced')
    network.online = false
    await a.addDiff('2026-03-01', 'written on a plane')
    expect(await watch.next(({ event }) => event === 'failed')).toMatchObject({ code: 'offline' })
    expect(await a.state()).toMatch(/^offline since/)
    network.online = true
    await watch.next((line) => moved(line.uploaded))
    expect(await a.state()).toMatch(/^synced/)
    await b.sync()
    expect(await b.titles()).toEqual(['written on a plane'])
  })
})

describe('Password Validation During Auto-Sync', () => {
  it('[KEY-1] a password changed elsewhere ends it with one refused request, asks once, and loses nothing', async () => {
    const { a, b, network } = await twoHomes()
    const watch = watchAutomatically(b)
    await watch.next(({ event }) => event === 'synced')
    await a.json(['passwd', '--password-stdin'], { input: `${PASSWORD}\nthe next password\n` })
    await b.addDiff('2026-03-01', 'not lost')
    const { status, err } = await watch.ended
    expect(status).toBe(3)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'needs-password', message: expect.stringContaining('lockstep sign-in') },
    })
    expect(network.take().filter((exchange) => exchange.status === 401)).toHaveLength(1)
    // Nothing is tried with a session that has ended: no request, however often somebody asks.
    for (const command of [['sync'], ['sync', '--mode', 'auto']]) {
      expect(await b.failure(command)).toMatchObject({ status: 3, code: 'needs-password' })
    }
    expect(network.take()).toEqual([])
    expect(await b.status()).toMatchObject({ state: 'needs-password', pending: 1 })
    expect(await b.state()).toMatch(/^needs password ◆/)
    expect(await b.titles()).toEqual(['not lost'])
    expect(await b.failure(b.signInArgs(), typed())).toMatchObject({ status: 1, code: 'wrong-credentials' })
    expect(await b.status()).toMatchObject({ state: 'needs-password' })
    await b.json(b.signInArgs(), typed('the next password'))
    await b.sync()
    await a.sync()
    expect(await a.titles()).toEqual(['not lost'])
  })
})
