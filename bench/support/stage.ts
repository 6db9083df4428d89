/** What most questions need: a folder that goes away, a server, and devices of one vault. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Actor, startActor } from './actor.ts'
import type { DeviceActor } from './device-actor.ts'
import type { ServerActor } from './server-actor.ts'

export interface Stage {
  readonly folder: string
  readonly server: Actor<ServerActor>
  readonly url: string
  /** The first call makes the vault, later ones join it. `through` is the address to use instead of the server's own. */
  device(through?: string): Promise<Actor<DeviceActor>>
  /** Of the vault, once it has been made. */
  passphrase(): string | undefined
}

/**
 * Everything that `body` started is over, and its files are gone, when this resolves.
 * @param makeWeb fills a folder with the web app for the server
 */
export async function onStage<T>(body: (stage: Stage) => Promise<T>, makeWeb?: (folder: string) => Promise<void>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  const server = startActor<ServerActor>('server-actor.ts')
  const devices: Actor<DeviceActor>[] = []
  let passphrase: string | undefined
  try {
    const web = makeWeb && join(folder, 'web')
    if (web !== undefined) await makeWeb?.(web)
    const url = await server.call('start', { data: join(folder, 'server'), ...(web && { web }) })
    return await body({
      folder,
      server,
      url,
      passphrase: () => passphrase,
      async device(through = url) {
        const actor = startActor<DeviceActor>('device-actor.ts')
        devices.push(actor)
        const home = join(folder, `device-${devices.length}`)
        passphrase = await actor.call('open', { home, server: through, ...(passphrase !== undefined && { passphrase }) })
        return actor
      },
    })
  } finally {
    for (const device of devices) await device.stop()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
