/** A process that indexes a vault in small transactions and says so on stdout; its test kills it. */
import { writeSync } from 'node:fs'
import { openSearch } from '#platform/node/search-connection'
import { SOURCE } from './search-vault.ts'

const [vaultPath, maxRows] = process.argv.slice(2)
const { index } = openSearch(vaultPath as string, SOURCE)
while (!index.catchUp({ maxRows: Number(maxRows) }).done) writeSync(1, '.')
