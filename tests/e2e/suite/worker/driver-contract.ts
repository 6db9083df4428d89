/** The SQLite driver's contract on files of the browser's storage. */
import { driverContract } from '@lockstep/engine/driver-contract'
import { openSqlite, removeDatabases } from './sqlite.ts'

const FILE = '/contract.db'

driverContract('wasm, OPFS', async () => {
  // The one of the test before; the suite has closed it.
  removeDatabases(FILE)
  return openSqlite({ path: FILE })
})
