/** Several profiles, each shared, imported with a code, taken off its server and shared again (docs/difflog-document.md). */
import { describe, expect, it, vi } from 'vitest'
import { PASSWORD, type ProfileHome, type ProfileStage, profileStage, typed } from './support/profiles.ts'

vi.mock('@lockstep/crypto/derivation', async (original) =>
  (await import('../../../tests/support/quick-passwords.ts')).quickPasswords(original),
)

interface Listed {
  readonly name: string
  readonly current: boolean
  readonly state: string
  readonly pending: number
}

const share = ({ network }: ProfileStage, ...more: string[]) => [
  'profile',
  'share',
  '--server',
  network.url,
  '--password-stdin',
  ...more,
]
const take = ({ network }: ProfileStage, ...more: string[]) => [
  'profile',
  'import',
  '--server',
  network.url,
  '--password-stdin',
  ...more,
]
const codeOf = async (home: ProfileHome) => (await home.json<{ code: string }>(['profile', 'share', '--code'])).code
const states = async (home: ProfileHome) => (await home.json<Listed[]>(['profile', 'list'])).map(({ name, state }) => [name, state])
const titlesOf = async (home: ProfileHome, profile: string) =>
  (await home.json<{ title: string }[]>(['--profile', profile, 'diff', 'list'])).map(({ title }) => title)

describe('Initial Share', () => {
  it('one command puts a profile on a server under a password, and sends all of it', async () => {
    const stage = await profileStage('open')
    const a = stage.home('a')
    await a.addDiff('2026-03-01', 'Monday')
    const shared = await a.json(share(stage, '--vault', 'news'), typed())
    expect(shared).toMatchObject({ vault: 'news', server: stage.network.url, uploaded: { segments: 1 } })
    expect(await states(a)).toEqual([['main', 'synced']])
    expect(await a.failure(share(stage), typed())).toMatchObject({ status: 1, code: 'already-signed-in' })
    const b = stage.home('b')
    const { passphrase } = await b.json<{ passphrase: string }>(share(stage, '--vault', 'other', '--with-passphrase'), typed())
    expect(passphrase.split(' ')).toHaveLength(12)
  })
})

describe('Import', () => {
  it('[SHR-2] a short code and the password bring a profile to another device, and the code is used up', async () => {
    const stage = await profileStage('open')
    const [a, b] = [stage.home('a'), stage.home('b')]
    await a.addDiff('2026-03-01', 'Monday')
    await a.json(share(stage, '--vault', 'News.2026'), typed())
    const code = await codeOf(a)
    expect(code).toMatch(/^[2-9A-HJKMNP-Z]{6}$/)
    const imported = await b.json(take(stage, '--code', code.toLowerCase()), typed())
    expect(imported).toMatchObject({ name: 'news-2026', vault: 'News.2026' })
    expect(await titlesOf(b, 'news-2026')).toEqual(['Monday'])
    // What b has of its own is another profile, and stays one.
    expect(await titlesOf(b, 'main')).toEqual([])
    expect(await b.failure(take(stage, '--code', code), typed())).toMatchObject({ status: 1, code: 'code-unknown' })
    expect(await states(b)).toEqual([
      ['main', 'local'],
      ['news-2026', 'synced'],
    ])
  })

  it('[SHR-2] a wrong password uses the code up, and what is told is another way on', async () => {
    const stage = await profileStage('open')
    const [a, b] = [stage.home('a'), stage.home('b')]
    await a.json(share(stage, '--vault', 'news'), typed())
    const { code, message } = await b.failure(take(stage, '--code', await codeOf(a)), typed('wrong horse'))
    expect(code).toBe('wrong-credentials')
    expect(message).toMatch(/--passphrase.*--vault news$/)
    expect(await b.json(take(stage, '--vault', 'news'), typed())).toMatchObject({ name: 'news' })
  })

  it('[SHR-2] of a hundred guessed codes ten are looked at; then the right one has to wait, too', async () => {
    const stage = await profileStage('open')
    const a = stage.home('a')
    await a.json(share(stage, '--vault', 'news'), typed())
    const answers: number[] = []
    for (let i = 0; i < 100; i++) {
      const guess = `22222${'23456789ABCDEFGHJKMNPQRSTUVWXYZ'[i % 31]}`
      answers.push((await fetch(`${stage.network.url}/v1/codes/${guess}`)).status)
    }
    expect(answers.filter((status) => status === 404)).toHaveLength(10)
    expect(answers.filter((status) => status === 429)).toHaveLength(90)
    const code = await codeOf(a)
    const b = stage.home('b')
    expect(await b.failure(take(stage, '--code', code), typed())).toMatchObject({ status: 1, code: 'too-many-attempts' })
    expect(await states(b)).toEqual([['main', 'local']])
  })

  it('by its name; a wrong password, a name that is taken and one that cannot be leave nothing behind', async () => {
    const stage = await profileStage('open')
    const [a, b] = [stage.home('a'), stage.home('b')]
    await a.json(share(stage, '--vault', 'news'), typed())
    const byName = (...more: string[]) => take(stage, '--vault', 'news', ...more)
    expect(await b.failure(byName(), typed('wrong horse'))).toMatchObject({ status: 1, code: 'wrong-credentials' })
    expect(await b.failure(byName('--as', 'Main'), typed())).toMatchObject({ status: 2, code: 'bad-usage' })
    expect(await b.failure(byName('--as', 'main'), typed())).toMatchObject({ status: 1, code: 'profile-exists' })
    expect(await states(b)).toEqual([['main', 'local']])
    expect(await b.json(byName('--as', 'daily'), typed())).toMatchObject({ name: 'daily', vault: 'news' })
    expect(await b.json(byName(), typed())).toMatchObject({ name: 'news' })
  })

  it('[VAULT-2] a home that was signed out brings what it has into the profile that was shared anew, when told to', async () => {
    const stage = await profileStage('open')
    const [a, b] = [stage.home('a'), stage.home('b')]
    await a.addDiff('2026-03-01', 'Monday')
    await a.share('--new')
    await b.share()
    await b.addDiff('2026-03-02', 'Tuesday')
    await b.json(['sign-out'])
    await a.json(['profile', 'unshare', '--password-stdin'], typed())
    await a.json(share(stage), typed())
    expect(await b.failure(b.signInArgs(), typed())).toMatchObject({ status: 1, code: 'wrong-vault' })
    await b.share('--merge')
    await a.sync()
    expect([await a.titles(), await b.titles()]).toEqual([
      ['Tuesday', 'Monday'],
      ['Tuesday', 'Monday'],
    ])
  })
})

describe('Profile Sync State', () => {
  it('profiles of one home are apart, and listed each with its state', async () => {
    const stage = await profileStage('open')
    const a = stage.home('a')
    await a.json(['profile', 'new', 'work'])
    await a.json(['--profile', 'work', 'profile', 'set', '--name', 'Ada'])
    await a.json(['--profile', 'work', ...share(stage)], typed())
    await a.json(['profile', 'switch', 'work'])
    await a.addDiff('2026-03-01', 'Monday')
    expect(await a.text(['profile', 'list'])).toMatch(/^ +PROFILE .*\n +main +local\n\* +work +pending ◆ +http:\S+ work +Ada\n$/)
    await a.sync()
    expect(await a.text(['profile', 'list'])).toMatch(/work +synced \d{4}-\d\d-\d\d \d\d:\d\d/)
    expect([await titlesOf(a, 'main'), await titlesOf(a, 'work')]).toEqual([[], ['Monday']])
    expect(await a.titles()).toEqual(['Monday'])
    expect(await a.json(['diff', 'list'], { env: { LOCKSTEP_PROFILE: 'main' } })).toEqual([])
    expect(await a.failure(['--profile', 'home', 'diff', 'list'])).toMatchObject({ status: 1, code: 'no-such-profile' })
    await a.json(['profile', 'switch', 'main'])
    expect(await a.titles()).toEqual([])
  })

  it('[VAULT-1] [VAULT-2] taken off its server it is on no server for every device, and shared again it is all there', async () => {
    const stage = await profileStage('open')
    const [a, b] = [stage.home('a'), stage.home('b')]
    const diff = await a.addDiff('2026-03-01', 'Monday')
    await a.json(share(stage, '--vault', 'news'), typed())
    await b.json(take(stage, '--code', await codeOf(a)), typed())
    await b.json(['profile', 'switch', 'news'])
    await b.star(diff, 1)
    await a.star(diff, 2)
    await b.sync()
    expect(await a.failure(['profile', 'unshare', '--password-stdin'], typed('wrong horse'))).toMatchObject({
      code: 'wrong-credentials',
    })
    expect(await a.json(['profile', 'unshare', '--password-stdin'], typed())).toMatchObject({ removed: true, vault: 'news' })
    expect(await states(a)).toEqual([['main', 'not-on-server']])
    expect(await a.text(['profile', 'list'])).toContain('not on server')
    // The star of b was fetched before the server forgot it.
    expect(await a.stars()).toEqual([`${diff}:1`, `${diff}:2`])
    stage.network.take()
    expect(await b.failure(['sync'])).toMatchObject({ status: 1, code: 'vault-removed' })
    expect(stage.network.take()).toHaveLength(1)
    expect(await b.failure(['sync'])).toMatchObject({ status: 3, code: 'not-signed-in' })
    expect(stage.network.take()).toEqual([])
    expect(await b.state()).toContain('not on server')
    expect(await b.stars()).toEqual([`${diff}:1`])

    const anew = { input: `${PASSWORD} again\n` }
    await a.json(share(stage, '--vault', 'news'), anew)
    await b.json(['sign-in', '--server', stage.network.url, '--vault', 'news', '--password-only', '--password-stdin'], anew)
    await b.sync()
    await a.sync()
    await b.sync()
    expect(await b.everything()).toEqual(await a.everything())
    expect(await b.stars()).toEqual([`${diff}:1`, `${diff}:2`])
    expect([await states(a), await states(b)]).toEqual([
      [['main', 'synced']],
      [
        ['main', 'local'],
        ['news', 'synced'],
      ],
    ])
  })
})
