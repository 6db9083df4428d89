/** Merges the beginning of the log, which no device of so small a vault would do by itself. */
import { Merger } from '@lockstep/engine/compaction/merger'
import { nodeCompression } from '@lockstep/engine/platform/node/compression'
import { Remote } from '@lockstep/engine/remote'
import { createSealer } from '@lockstep/engine/sealing'
import { parseSecrets } from '@lockstep/engine/secrets'
import { sha256 } from '../honest-server.ts'
import { SERVER, type TestDevice } from './device.ts'

export async function mergeThrough(device: TestDevice, last: number): Promise<void> {
  await device.device.sync()
  const { store } = device.device.vault
  const { vaultKeys, token } = parseSecrets(device.files.secrets)
  const { random } = store.runtime
  const vaultId = store.meta.get('vaultId')
  if (vaultKeys === undefined || token === undefined || vaultId === undefined) throw new Error('the device is not signed in')
  const merger = new Merger({
    store,
    sealer: createSealer({ vaultId, vaultKeys: new Map(vaultKeys), compression: nodeCompression, random }),
    sha256,
    remote: new Remote({ server: SERVER, http: device.http }),
    token,
    pick: (all) => {
      const entries = all.filter((entry) => entry.last <= last)
      return { first: 1, last, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0), entries }
    },
  })
  const result = await merger.run()
  if (result?.merged !== true || result.parts < 2) throw new Error(`the log was not merged into parts: ${JSON.stringify(result)}`)
}
