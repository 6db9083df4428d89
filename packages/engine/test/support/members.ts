/** Vaults with several devices on a real server, in step with each other, and what tests read of them. */
import type { HttpClient } from '#http'
import { createNodeHttp } from '#platform/node/http'
import { Remote } from '#remote'
import { parseSecrets, type Secrets } from '#secrets'
import { type RunningServer, runningServer } from '../../../../tests/support/running-server.ts'
import { signIn, testDevice } from './devices.ts'
import { homeFile } from './homes.ts'

export const PASSWORD = 'correct horse'
export type TestDevice = Awaited<ReturnType<typeof testDevice>>

export const secretsOf = (device: TestDevice): Secrets => parseSecrets(homeFile(device.home, 'keys.json'))
export const keysOf = (device: TestDevice) => new Map(secretsOf(device).vaultKeys ?? [])
export const titles = ({ vault }: TestDevice) => vault.query('SELECT title FROM notes ORDER BY title').map(({ title }) => title)
export const write = ({ vault }: TestDevice, title: string) => vault.transact((tx) => tx.insert('notes', { title }))

/** A vault and its devices in step with each other. */
export async function vaultOf(names: readonly string[], networks: Readonly<Record<string, (http: HttpClient) => HttpClient>> = {}) {
  const server = await runningServer()
  const devices: TestDevice[] = []
  for (const name of names) {
    const network = networks[name]
    const device = await testDevice(network === undefined ? {} : { network })
    await device.signIn(signIn(server, { intent: devices.length === 0 ? 'create' : 'join', deviceName: name }))
    await device.sync()
    devices.push(device)
  }
  for (const device of devices) await device.sync()
  return { server, devices }
}

export async function join(server: RunningServer, name: string, more: Parameters<typeof signIn>[1] = {}): Promise<TestDevice> {
  const device = await testDevice()
  await device.signIn(signIn(server, { intent: 'join', deviceName: name, ...more }))
  await device.sync()
  return device
}

export const remoteOf = (server: RunningServer) => new Remote({ server: server.url, http: createNodeHttp().http })
