/** The program itself, as somebody starts it who hosts both apps: one server, both dialects, ended and started anew. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type ServerProcess, serve } from '../story/lockstep.ts'
import { AUD, startIssuer, TEAM } from '../support/issuer.ts'
import { Device } from './dataans-client/device.ts'
import { RefusedError } from './dataans-client/server.ts'
import { PASSPHRASE } from './dataans-stage.ts'
import { Client } from './difflog-client/client.ts'
import { Server } from './difflog-client/server.ts'
import { diffOf, METADATA, PASSWORD, starOf } from './difflog-stage.ts'
import { Wire } from './wire.ts'

const BOTH = ['--dialect', 'difflog', '--dialect', 'dataans']

async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-program-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Stopped when the test ends, if it was not before. */
async function program(data: string, flags: readonly string[]): Promise<ServerProcess> {
  const server = await serve(data, flags)
  onTestFinished(async () => {
    await server.stop()
  })
  return server
}

test('both apps keep in step through one server, which is ended and started anew between', async () => {
  const data = await dataFolder()
  const flags = [...BOTH, '--insecure-no-gate']
  const first = await program(data, flags)
  const wire = new Wire(first.url)
  const desktop = () => new Device({ url: first.url, token: 'none', fetch: wire.fetch })
  const web = { server: new Server(first.url, wire.fetch) }

  const [a, b] = [desktop(), desktop()]
  const { passphrase } = await a.signIn(PASSWORD)
  const note = a.createNote(a.createSpace('s'), 'written before')
  const file = a.attach(note, 'f.bin', Buffer.from('content'))
  await a.sync()
  const c = Client.local({ id: 'profile-1', metadata: METADATA, apiKeys: {} }, web)
  c.profile.put('diffs', diffOf('d1', 1))
  await c.share(PASSWORD)

  expect(await first.stop()).toBe(0)
  const second = await program(data, flags)
  wire.url = second.url
  await b.signIn(PASSWORD, passphrase)
  await b.sync()
  expect(b.view).toEqual(a.view)
  expect(b.fileContent(file)?.toString()).toBe('content')
  const d = await Client.import('profile-1', PASSWORD, web)
  d.profile.put('stars', starOf('d1', 0))
  await d.autoSync()
  await c.autoSync()
  expect(c.profile.ids('stars')).toEqual(['d1:0'])
  expect(await second.stop()).toBe(0)
})

test('a gate stands before both', async () => {
  const issuer = await startIssuer()
  const gate = ['--access-team', TEAM, '--access-aud', AUD, '--access-certs-url', issuer.certsUrl]
  const { url } = await program(await dataFolder(), [...BOTH, ...gate])
  const stranger = new Device({ url, token: 'none' })
  await expect(stranger.signIn(PASSWORD, PASSPHRASE)).rejects.toThrow(RefusedError)
  await expect(new Server(url).status('profile-1')).rejects.toMatchObject({ status: 403, body: { error: expect.any(String) } })
  const token = issuer.accessToken()
  expect(await new Device({ url, token }).signIn(PASSWORD)).toMatchObject({ created: true })
  const through: typeof fetch = (input, init) =>
    fetch(input, { ...init, headers: { ...init?.headers, 'cf-access-jwt-assertion': token } })
  expect(await new Server(url, through).status('profile-1')).toEqual({ exists: false })
})
