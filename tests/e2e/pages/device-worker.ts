/** A whole device in a browser's worker, with the app's own tables. */
import type { Device } from '@lockstep/engine/device'
import { openBrowserDevice } from '@lockstep/engine/platform/browser/device'
import { openOpfsPool } from '@lockstep/engine/platform/browser/opfs-pool'
import { addNote, editNote, findNote, listNotes } from '@lockstep/model/notes'
import { schema, type Tables } from '@lockstep/model/schema'
import { addSpace, listSpaces } from '@lockstep/model/spaces'
import { answerWith } from './answer.ts'

let device: Device<Tables> | undefined

function opened(): Device<Tables> {
  if (device === undefined) throw new Error('no device is open')
  return device
}

answerWith({
  async open(name: string, storage: 'browser' | 'memory') {
    device = await openBrowserDevice({ name, schema, storage })
    return device.status()
  },
  /** The vault's files as versions before the write-ahead log left them: with a rollback journal. @returns the journal that it had until then */
  async toRollbackJournal(name: string) {
    const files = await openOpfsPool(`lockstep-${name}`)
    const before = ['vault.db', 'search.db'].map((file) => {
      const driver = files.open(file)
      const [mode] = driver.prepare('PRAGMA journal_mode').values()[0] as [string]
      driver.exec('PRAGMA journal_mode = TRUNCATE')
      driver.close()
      return mode
    })
    files.close()
    return before
  },
  signIn: (request: Parameters<Device['signIn']>[0]) => opened().signIn(request),
  signOut: (wipe: boolean) => opened().signOut({ wipe }),
  sync: () => opened().sync(),
  status: () => opened().status(),
  addSpace: (name: string) => addSpace(opened().vault, { name, now: Date.now() }),
  addNote: (space: string, title: string, text: string) => addNote(opened().vault, { space, title, text, now: Date.now() }),
  /** Until the worker is killed: tells the page what has been committed. */
  async type(id: string, lines: number) {
    for (let i = 0; i < lines; i++) {
      const { text } = findNote(opened().vault, id)
      editNote(opened().vault, id, { text: `${text}${i}\n`, now: Date.now() })
      if (i % 10 === 0) postMessage({ committed: i })
      await new Promise((resolve) => setTimeout(resolve))
    }
  },
  notes: () => listNotes(opened().vault),
  spaces: () => listSpaces(opened().vault),
  text: (id: string) => findNote(opened().vault, id).text,
  search(text: string) {
    const { vault } = opened()
    const { ids, backlog } = vault.search('notes', text, { limit: 10 })
    return { titles: ids.map((id) => findNote(vault, id).title), backlog }
  },
  check: () => opened().examine(),
  close: () => opened().close(),
})
