/** A server that speaks the Dataans dialect, on this machine alone unless it has a gate, and devices in front of it. */
import type { ServerOptions } from '@lockstep/server/config'
import { Device, type DeviceOptions } from './dataans-client/device.ts'
import { deriveKey } from './dataans-client/keys.ts'
import { SyncServer } from './dataans-client/server.ts'
import { Stage } from './stage.ts'

export const PASSWORD = 'correct horse battery staple'
export const PASSPHRASE = 'Lantern-Orchid-Basalt-Quiver-Meadow'
/** A server without a gate takes any. */
const NO_TOKEN = 'none'

const derived = new Map<string, Promise<Buffer>>()

/** The key derivation takes most of a second: once for each pair of secrets will do. */
function deriveOnce(password: string, passphrase: string): Promise<Buffer> {
  const secrets = JSON.stringify([password, passphrase])
  const known = derived.get(secrets) ?? deriveKey(password, passphrase)
  derived.set(secrets, known)
  return known
}

export class DataansStage extends Stage {
  static async set(options: ServerOptions = { insecureNoGate: true }): Promise<DataansStage> {
    const stage = new DataansStage({ ...options, dialect: ['dataans'] })
    await stage.start()
    return stage
  }

  /** Its routes, without a device. */
  server(token = NO_TOKEN): SyncServer {
    return new SyncServer({ url: this.url, token })
  }

  device(options: Partial<DeviceOptions> = {}): Device {
    return new Device({ url: this.url, token: NO_TOKEN, fetch: this.wire.fetch, deriveKey: deriveOnce, ...options })
  }

  /** One that has signed in. */
  async signedIn(options: Partial<DeviceOptions> = {}): Promise<Device> {
    const device = this.device(options)
    await device.signIn(PASSWORD, PASSPHRASE)
    return device
  }
}
