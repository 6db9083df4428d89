/** Signing in and syncing against a real server, in this process: shapes, exit statuses, and the failures people meet. */
import { join } from 'node:path'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { describe, expect, it, onTestFinished } from 'vitest'
import { scratchFolder, TestHome } from './support/run.ts'

const ID = expect.stringMatching(/^[a-z2-7]{26}$/)
const PASSWORD = 'long enough to be quiet'
const password = (text = PASSWORD) => ({ input: `${text}\n` })

interface Stage {
  readonly server: RunningServer
  readonly home: (name: string) => TestHome
  /** `sign-in` with these arguments beside the server and the password's source. */
  readonly signIn: (...args: string[]) => string[]
}

async function stage(options: Partial<Parameters<typeof startServer>[0]> = {}): Promise<Stage> {
  const folder = await scratchFolder()
  const server = await startServer({ port: 0, data: join(folder, 'server'), logLevel: 'error', ...options }, { log: () => {} })
  onTestFinished(() => server.close())
  return {
    server,
    home: (name) => new TestHome(join(folder, name)),
    signIn: (...args) => ['sign-in', '--server', server.url, '--password-stdin', ...args],
  }
}

describe('with a server', () => {
  it('two devices sign in, sync, and are listed', async () => {
    const { server, home, signIn } = await stage()
    const [a, b] = [home('a'), home('b')]
    const made = await a.json<{ passphrase: string; device: string }>(signIn('--device-name', 'laptop'), password())
    expect(made).toEqual({ vault: 'main', device: ID, created: true, passphrase: expect.stringMatching(/^(?:[a-z]+ ){11}[a-z]+$/) })
    expect(await a.json(['passphrase'])).toEqual({ passphrase: made.passphrase })
    expect(await a.json(['status'])).toMatchObject({
      state: 'pending',
      server: server.url,
      vault: 'main',
      deviceName: 'laptop',
      lastSyncedAt: null,
    })
    await a.json(['space', 'add', 'A'])
    expect(await a.json(['sync'])).toEqual({
      state: 'synced',
      uploaded: { segments: expect.any(Number), bytes: expect.any(Number) },
      downloaded: { segments: 0, bytes: expect.any(Number) },
      problems: [],
    })
    expect(await a.json(['status'])).toMatchObject({ state: 'synced', pending: 0, lastSyncedAt: expect.any(Number) })
    const joined = await b.json<{ device: string }>(
      signIn('--passphrase', made.passphrase.toUpperCase(), '--device-name', 'phone'),
      password(),
    )
    expect(joined).toEqual({ vault: 'main', device: ID, created: false })
    await b.json(['sync'])
    expect(await b.json(['space', 'list'])).toMatchObject([{ name: 'A' }])
    const listed = { createdAt: expect.any(Number), lastSeenAt: expect.any(Number), revoked: false }
    const devices = await b.json<{ name: string }[]>(['device', 'list'])
    expect(devices.sort((x, y) => (x.name < y.name ? -1 : 1))).toEqual([
      { id: made.device, name: 'laptop', current: false, ...listed },
      { id: joined.device, name: 'phone', current: true, ...listed },
    ])
    expect(await b.failure(signIn('--passphrase', made.passphrase), password())).toMatchObject({
      status: 1,
      code: 'already-signed-in',
    })
    expect(await b.json(['sign-out'])).toEqual({ signedOut: true, wiped: false, serverTold: true })
    expect(await b.failure(['sync'])).toMatchObject({ status: 3, code: 'not-signed-in' })
    expect(await b.json(['space', 'list'])).toHaveLength(1)
  })

  it('what people get wrong when they sign in', async () => {
    const { home, signIn } = await stage()
    const [a, b] = [home('a'), home('b')]
    const { passphrase } = await a.json<{ passphrase: string }>(signIn(), password())
    // Without the passphrase it is taken for a first device, of a vault that is there.
    expect(await b.failure(signIn(), password())).toMatchObject({
      status: 1,
      code: 'sign-up-refused',
      message: expect.stringContaining('passphrase'),
    })
    expect(await b.failure(signIn('--passphrase', passphrase), password('wrong'))).toMatchObject({
      status: 1,
      code: 'wrong-credentials',
    })
    expect(await b.failure(signIn('--passphrase', `${passphrase.slice(0, -1)}`), password())).toMatchObject({ status: 1 })
    expect(await b.failure(signIn('--passphrase', passphrase, '--vault', 'other'), password())).toMatchObject({
      status: 1,
      code: 'wrong-credentials',
    })
    expect(await b.failure(signIn('--passphrase', passphrase), password(''))).toMatchObject({ status: 2, code: 'bad-usage' })
    expect(await b.failure(['sign-in', '--server', 'http://127.0.0.1:9', '--password-stdin'], password())).toMatchObject({
      status: 4,
      code: 'offline',
    })
    for (const url of ['nowhere', 'ftp://x', 'http://u:p@127.0.0.1:1/']) {
      expect(await b.failure(['sign-in', '--server', url, '--password-stdin'], password())).toMatchObject({
        status: expect.any(Number),
      })
    }
    await b.json(signIn('--passphrase', passphrase), password())
  })

  it('a self-chosen passphrase, and a short password that is warned of', async () => {
    const { home, signIn } = await stage()
    const made = await home('a').json(signIn('--new', '--passphrase', 'my own words'), password('short'))
    expect(made).toEqual({ vault: 'main', device: ID, created: true, warning: expect.stringContaining('fewer than 8') })
    expect(await home('b').json(signIn('--passphrase', 'my own words'), password('short'))).toMatchObject({ created: false })
  })

  it('a password-only vault is made by its first device and joined by the next', async () => {
    const { home, signIn } = await stage()
    expect(await home('a').json(signIn('--password-only'), password())).toEqual({ vault: 'main', device: ID, created: true })
    expect(await home('b').json(signIn('--password-only'), password())).toMatchObject({ created: false })
    expect(await home('a').failure(['passphrase'])).toMatchObject({ status: 1, code: 'no-passphrase' })
    expect(await home('c').failure(signIn('--password-only'), password('not this one'))).toMatchObject({
      status: 1,
      code: 'wrong-credentials',
    })
    expect(await home('c').failure(signIn('--password-only', '--new'), password())).toMatchObject({
      status: 1,
      code: 'sign-up-refused',
    })
  })

  it('a closed server says so', async () => {
    const { home, signIn } = await stage({ signUp: 'closed' })
    expect(await home('a').failure(signIn(), password())).toMatchObject({ status: 1, code: 'sign-up-refused' })
  })

  it('beyond this machine the first sign-in needs the set-up token', async () => {
    const { server, home, signIn } = await stage({ publicUrl: 'http://lockstep.example' })
    expect(server.setupToken).toEqual(expect.any(String))
    for (const only of [[], ['--password-only']]) {
      expect(await home('a').failure(signIn(...only), password())).toMatchObject({ status: 1, code: 'sign-up-refused' })
    }
    expect(await home('a').json(signIn('--setup-token', server.setupToken ?? ''), password())).toMatchObject({ created: true })
  })

  it('[KEY-1] after the password changed elsewhere: status 3, needs-password, and back in with the new one', async () => {
    const { home, signIn } = await stage()
    const [a, b] = [home('a'), home('b')]
    const { passphrase } = await a.json<{ passphrase: string }>(signIn(), password())
    await b.json(signIn('--passphrase', passphrase, '--device-name', 'my phone'), password())
    expect(await a.failure(['passwd', '--password-stdin'], { input: 'wrong\nnew password\n' })).toMatchObject({
      status: 1,
      code: 'wrong-credentials',
    })
    expect(await a.failure(['passwd', '--password-stdin'], { input: 'one line' })).toMatchObject({ status: 2, code: 'bad-usage' })
    expect(
      await a.json(['passwd', '--password-stdin', '--new-passphrase', 'new words'], { input: `${PASSWORD}\nnew password\n` }),
    ).toEqual({ changed: true })
    expect(await a.json(['passphrase'])).toEqual({ passphrase: 'new words' })
    expect(await a.json(['sync'])).toMatchObject({ state: 'synced' })
    for (const command of [['sync'], ['sync'], ['device', 'list']]) {
      expect(await b.failure(command)).toMatchObject({
        status: 3,
        code: 'needs-password',
        message: expect.stringContaining('lockstep sign-in'),
      })
    }
    expect(await b.json(['status'])).toMatchObject({ state: 'needs-password' })
    await b.json(['space', 'add', 'still works'])
    expect(await b.json(signIn('--passphrase', 'new words'), password('new password'))).toMatchObject({ created: false })
    expect(await b.json(['sync'])).toMatchObject({ state: 'synced' })
    // Not renamed by coming back without a name.
    expect(await b.json(['device', 'list'])).toContainEqual(expect.objectContaining({ name: 'my phone', current: true }))
  })

  it('with the server gone: status 4, and what was written is sent when it is back', async () => {
    const { server, home, signIn } = await stage()
    const a = home('a')
    await a.json(signIn(), password())
    await a.json(['space', 'add', 'A'])
    await server.close()
    expect(await a.failure(['sync'])).toMatchObject({ status: 4, code: 'offline' })
    expect(await a.failure(['device', 'list'])).toMatchObject({ status: 4, code: 'offline' })
    expect(await a.json(['status'])).toMatchObject({ state: 'pending' })
    expect(await a.try(['sign-out'])).toMatchObject({ status: 0, err: expect.stringContaining('could not be told') })
  })

  it('a sync that is interrupted says so, and the next one does the rest', async () => {
    const { home, signIn } = await stage()
    const a = home('a')
    await a.json(signIn(), password())
    await a.json(['space', 'add', 'A'])
    expect(await a.failure(['sync'], { signal: AbortSignal.abort() })).toMatchObject({ status: 1, code: 'cancelled' })
    expect(await a.json(['sync'])).toMatchObject({ state: 'synced' })
  })

  it('sync --watch takes what another device writes, sends what another process writes here, and ends when asked to', async () => {
    const { home, signIn } = await stage()
    const [a, b] = [home('a'), home('b')]
    const { passphrase } = await a.json<{ passphrase: string }>(signIn(), password())
    await b.json(signIn('--passphrase', passphrase), password())
    await b.json(['sync'])
    const stop = new AbortController()
    const waiting: { readonly matches: (line: string) => boolean; readonly resolve: () => void }[] = []
    const lines: string[] = []
    const seen = (event: string) =>
      new Promise<void>((resolve) => waiting.push({ matches: (line) => line.includes(`"event":"${event}"`), resolve }))
    const connected = seen('connected')
    const watching = a.try(['sync', '--watch', '--json'], {
      signal: stop.signal,
      onOutput: (text) => {
        lines.push(...text.trimEnd().split('\n'))
        for (const { matches, resolve } of waiting) if (matches(text)) resolve()
      },
    })
    await connected
    const changed = seen('changed')
    await b.json(['space', 'add', 'from b'])
    await b.json(['sync'])
    await changed
    expect((await a.json<{ name: string }[]>(['space', 'list'])).map(({ name }) => name)).toEqual(['from b'])
    await a.json(['space', 'add', 'from a'])
    while ((await a.json<{ pending: number }>(['status'])).pending > 0) await new Promise((resolve) => setTimeout(resolve, 50))
    await b.json(['sync'])
    expect((await b.json<{ name: string }[]>(['space', 'list'])).map(({ name }) => name).sort()).toEqual(['from a', 'from b'])
    stop.abort()
    expect(await watching).toMatchObject({ status: 0, err: '' })
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ event: expect.any(String), at: expect.any(Number) })
  })

  it('sync --watch ends with status 3 when the session ends', async () => {
    const { home, signIn } = await stage()
    const [a, b] = [home('a'), home('b')]
    const { passphrase } = await a.json<{ passphrase: string }>(signIn(), password())
    await b.json(signIn('--passphrase', passphrase), password())
    let connected: () => void = () => {}
    const live = new Promise<void>((resolve) => {
      connected = resolve
    })
    const watching = b.try(['sync', '--watch', '--json'], { onOutput: (text) => text.includes('"connected"') && connected() })
    await live
    await a.json(['passwd', '--password-stdin'], { input: `${PASSWORD}\nnew password\n` })
    expect(await watching).toMatchObject({ status: 3, err: expect.stringContaining('"code":"needs-password"') })
  })
})
