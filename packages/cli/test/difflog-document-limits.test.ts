/** Guess limits as a person meets them: the diff·log document's behaviours (docs/difflog-document.md). */
import { describe, expect, it, vi } from 'vitest'
import { PASSWORD, type ProfileHome, profileStage, typed } from './support/profiles.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original, { anySalt: true }),
)

const MINUTE = 60_000

const guess = (home: ProfileHome, password = 'wrong') => home.try([...home.signInArgs(), '--json'], typed(password))

async function codeOf(answer: ReturnType<typeof guess>): Promise<{ code: string; message: string; retryAfter?: number }> {
  const { status, err } = await answer
  return status === 0 ? { code: 'signed in', message: '' } : JSON.parse(err).error
}

describe('Rate Limiting', () => {
  it('[KEY-10] five wrong passwords close it for 15 minutes, to the right one too and over a restart; then that one opens it', async () => {
    const { home, pass, restart } = await profileStage()
    const [owner, guesser] = [home('owner'), home('guesser')]
    await owner.share('--new')
    for (let i = 0; i < 5; i++) expect(await codeOf(guess(guesser))).toMatchObject({ code: 'wrong-credentials' })
    const locked = await guesser.try(guesser.signInArgs(), typed())
    expect(locked).toMatchObject({ status: 1, out: '', err: expect.stringContaining('try again in 15 minutes') })
    const told = await codeOf(guess(guesser))
    expect(told).toMatchObject({ code: 'too-many-attempts' })
    expect(told.retryAfter).toBeGreaterThan(14 * 60)
    expect(told.retryAfter).toBeLessThanOrEqual(15 * 60)
    await restart()
    pass(13 * MINUTE)
    expect(await codeOf(guess(guesser, PASSWORD))).toMatchObject({ code: 'too-many-attempts' })
    pass(2 * MINUTE)
    await guesser.share()
    expect(await guesser.status()).toMatchObject({ state: 'synced' })
  })

  it('[KEY-10] guesses spread out are no more: never over five checks in any 15 minutes', async () => {
    const { home, pass } = await profileStage()
    await home('owner').signIn('--new')
    const guesser = home('guesser')
    for (let i = 0; i < 4; i++) expect(await codeOf(guess(guesser))).toMatchObject({ code: 'wrong-credentials' })
    pass(6 * MINUTE)
    expect(await codeOf(guess(guesser))).toMatchObject({ code: 'wrong-credentials' })
    const { code, retryAfter } = await codeOf(guess(guesser))
    expect(code).toBe('too-many-attempts')
    expect(retryAfter).toBeGreaterThan(8 * 60)
    expect(retryAfter).toBeLessThanOrEqual(9 * 60)
    pass(9 * MINUTE)
    expect(await codeOf(guess(guesser))).toMatchObject({ code: 'wrong-credentials' })
  })

  it('[KEY-10] of guesses made at once five are checked', async () => {
    const { home } = await profileStage()
    await home('owner').signIn('--new')
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => codeOf(guess(home(`guesser ${i}`)))))
    expect(answers.filter(({ code }) => code === 'wrong-credentials')).toHaveLength(5)
    expect(answers.filter(({ code }) => code === 'too-many-attempts')).toHaveLength(7)
  })

  it('[KEY-10] a stranger who has locked the name leaves the owner signed in, and able to sign in again', async () => {
    const { home } = await profileStage()
    const owner = home('owner')
    await owner.share('--new')
    for (let i = 0; i < 6; i++) await guess(home('stranger'))
    await owner.addDiff('2026-03-01', 'meanwhile')
    await owner.sync()
    expect(await owner.status()).toMatchObject({ state: 'synced', pending: 0 })
    await owner.json(['sign-out'])
    await owner.share()
    expect(await owner.status()).toMatchObject({ state: 'synced' })
  })
})
