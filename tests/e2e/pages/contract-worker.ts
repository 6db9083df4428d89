/** The SQLite driver's contract on files of the browser's storage. */
import { driverContract } from '@lockstep/engine/driver-contract'
import { openOpfsPool } from '@lockstep/engine/platform/browser/opfs-pool'
import { answerWith } from './answer.ts'
import { runCases } from './mini-test.ts'

answerWith({
  async run() {
    const files = await openOpfsPool('driver-contract')
    let last = ''
    driverContract('wasm, OPFS', async () => {
      // The suite has closed the one before.
      if (last !== '') files.remove(last)
      last = 'contract.db'
      return files.open(last)
    })
    const results = await runCases()
    await files.wipe()
    return results
  },
})
