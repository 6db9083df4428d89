/** A process of its own that writes notes into a home that others have open too, and syncs after each: `HOME NAME COUNT`. */
import { openDevice } from '#platform/node/device'
import { schema } from './tables.ts'

const [home, name, count] = process.argv.slice(2)
const device = await openDevice({ home: String(home), schema })
for (let i = 0; i < Number(count); i++) {
  device.vault.transact((tx) => {
    tx.insert('notes', { title: `${name} ${i}` }, `${name}-${i}`)
    tx.put('notes', 'both', { text: `${tx.get('notes', 'both')?.text ?? ''}${name}${i};` })
  })
  await device.sync()
}
await device.close()
