/** Devices at the command line: a lost one, and a vault that moves. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '#cli'
import { runningServer } from '../../../tests/support/running-server.ts'
import { fakeTerminal, scratchFolder, TestHome } from './support/run.ts'

const PASSWORD = 'correct horse battery'
const password = (text = PASSWORD) => ({ input: `${text}\n` })

interface Listed {
  readonly id: string
  readonly name: string
  readonly revoked: boolean
}

/** A vault with a laptop, a phone and a tablet. */
async function stage() {
  const folder = await scratchFolder()
  const server = await runningServer()
  const home = (name: string) => new TestHome(join(folder, name))
  const signIn = (name: string, ...more: string[]) => [
    'sign-in',
    '--server',
    server.url,
    '--password-stdin',
    '--device-name',
    name,
    ...more,
  ]
  const laptop = home('laptop')
  const { passphrase } = await laptop.json<{ passphrase: string }>(signIn('laptop'), password())
  for (const name of ['phone', 'tablet']) await home(name).json(signIn(name, '--passphrase', passphrase), password())
  for (const name of ['laptop', 'phone', 'tablet', 'laptop']) await home(name).json(['sync'])
  const devices = () => laptop.json<Listed[]>(['device', 'list'])
  const idOf = async (name: string) => (await devices()).find((device) => device.name === name)?.id ?? ''
  return { server, home, laptop, phone: home('phone'), tablet: home('tablet'), passphrase, signIn, devices, idOf }
}

it('[KEY-3] device revoke: the lost one is out, and told so; the others go on', async () => {
  const { laptop, phone, tablet, signIn, passphrase, devices, idOf } = await stage()
  const id = await idOf('tablet')
  expect(await laptop.failure(['device', 'revoke', id, '--password-stdin'], password('wrong'))).toMatchObject({
    status: 1,
    code: 'wrong-credentials',
  })
  const [current] = await devices()
  for (const other of ['x', current?.id ?? '']) {
    expect(await laptop.failure(['device', 'revoke', other, '--password-stdin'], password())).toMatchObject({
      status: 1,
      code: 'no-such-device',
    })
  }
  await laptop.json(['space', 'add', 'written before'])
  expect(await laptop.json(['device', 'revoke', id, '--password-stdin'], password())).toEqual({
    revoked: id,
    name: 'tablet',
    revokedBefore: false,
    synced: true,
  })
  expect((await devices()).map(({ name, revoked }) => [name, revoked])).toEqual([
    ['laptop', false],
    ['phone', false],
    ['tablet', true],
  ])
  expect(await laptop.text(['device', 'list'])).toContain('tablet (revoked)')
  expect(await tablet.failure(['sync'])).toMatchObject({
    status: 3,
    code: 'needs-password',
    message: expect.stringContaining('revoked'),
  })
  expect(await tablet.failure(signIn('tablet', '--passphrase', passphrase), password())).toMatchObject({
    status: 1,
    code: 'device-revoked',
    message: expect.stringContaining('new home'),
  })
  await laptop.json(['space', 'add', 'written after'])
  await laptop.json(['sync'])
  expect(await phone.json(['sync'])).toMatchObject({ state: 'synced', problems: [] })
  expect((await phone.json<{ name: string }[]>(['space', 'list'])).map(({ name }) => name).sort()).toEqual([
    'written after',
    'written before',
  ])
  expect(await laptop.text(['device', 'revoke', id, '--password-stdin'], password())).toBe(
    '"tablet" was revoked before; nothing was done.\n',
  )
})

it('[KEY-3] with a new password and passphrase, printed once also when it should be quiet', async () => {
  const { laptop, phone, home, signIn, idOf } = await stage()
  const id = await idOf('tablet')
  const revoke = ['device', 'revoke', id, '--password-stdin', '--new-password', '--new-passphrase']
  expect(await laptop.failure(revoke, password())).toMatchObject({ status: 2, code: 'bad-usage' })
  const text = await laptop.text(['--quiet', ...revoke], { input: `${PASSWORD}\nshort\n` })
  expect(text).toContain('"tablet" is revoked')
  expect(text).toContain('fewer than 8 characters')
  const passphrase = /^ {4}((?:[a-z]+ ){11}[a-z]+)$/m.exec(text)?.[1] ?? ''
  expect(await laptop.json(['passphrase'])).toEqual({ passphrase })
  expect(await phone.failure(['sync'])).toMatchObject({ status: 3 })
  expect(await phone.json(signIn('phone', '--passphrase', passphrase), password('short'))).toMatchObject({ created: false })
  expect(await phone.json(['sync'])).toMatchObject({ state: 'synced' })
  expect(await home('thief').failure(signIn('thief', '--passphrase', passphrase), password())).toMatchObject({
    code: 'wrong-credentials',
  })
})

it('[KEY-3] on a terminal it offers to change both, because the lost device has the passphrase', async () => {
  const { laptop, passphrase, idOf } = await stage()
  const line = ['--home', laptop.folder, 'device', 'revoke']
  const no = fakeTerminal([`${PASSWORD}\r`, 'n\n'])
  expect(await run([...line, await idOf('tablet')], no)).toBe(0)
  expect(no.stderr.text).toContain('Change password and passphrase as well? [y/N] ')
  expect(no.stdout.text).toContain('lockstep passwd --new-passphrase')
  expect(await laptop.json(['passphrase'])).toEqual({ passphrase })
  const yes = fakeTerminal([`${PASSWORD}\r`, 'y\n', 'another password\r', 'another password\r'])
  expect(await run([...line, await idOf('phone')], yes)).toBe(0)
  expect(yes.stdout.text).toContain('The new passphrase:')
  expect(yes.stdout.text).not.toContain(passphrase)
  expect(yes.stdout.text).toContain((await laptop.json<{ passphrase: string }>(['passphrase'])).passphrase)
})

it('[KEY-6] sign-in --new on another server moves the vault that is here', async () => {
  const { laptop, signIn, passphrase } = await stage()
  await laptop.json(['space', 'add', 'moved'])
  const next = await runningServer()
  const there = ['sign-in', '--server', next.url, '--password-stdin', '--device-name', 'laptop']
  expect(await laptop.failure(there, password())).toMatchObject({ code: 'already-signed-in' })
  const moved = await laptop.json<{ passphrase: string }>([...there, '--new'], password())
  expect(moved).toMatchObject({ created: true, moved: true })
  expect(moved.passphrase).not.toBe(passphrase)
  expect(await laptop.json(['sync'])).toMatchObject({ state: 'synced' })
  const young = new TestHome(join(await scratchFolder(), 'young'))
  await young.json([...there, '--passphrase', moved.passphrase], password())
  await young.json(['sync'])
  expect(await young.json(['space', 'list'])).toMatchObject([{ name: 'moved' }])
  // Two addresses, two vaults of the same name: the old one is as it was.
  expect(await laptop.failure(signIn('laptop', '--new'), password())).toMatchObject({ code: 'sign-up-refused' })
})
