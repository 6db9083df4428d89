/**
 * SQLite in a worker of the same browser, on the same files with the same settings, and nothing else: what storing the same notes takes
 * where nobody encrypts, merges, searches or syncs.
 */
import { openOpfsPool } from '@lockstep/engine/platform/browser/opfs-pool'

export interface PlainNotes {
  readonly notes: readonly { readonly title: string; readonly text: string }[]
  /** Rows in one transaction. */
  readonly batch: number
  readonly edits: number
}

export interface PlainAnswer {
  /** Rows a second into a table with a unique text id. */
  readonly inserted: number
  /** Milliseconds of each change of one row, in a transaction of its own. */
  readonly edits: readonly number[]
}

async function measure({ notes, batch, edits }: PlainNotes): Promise<PlainAnswer> {
  const files = await openOpfsPool('plain-sqlite')
  const driver = files.open('plain.db')
  driver.exec('CREATE TABLE notes (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, text TEXT)')
  const insert = driver.prepare('INSERT INTO notes VALUES (?, ?, ?, ?)')
  const ids = notes.map(() => crypto.randomUUID())
  const started = performance.now()
  for (let first = 0; first < notes.length; first += batch) {
    driver.transaction(() => {
      for (const [i, { title, text }] of notes.slice(first, first + batch).entries()) {
        insert.run(first + i, ids[first + i] as string, title, text)
      }
    })
  }
  const inserted = (notes.length * 1000) / (performance.now() - started)
  const update = driver.prepare('UPDATE notes SET text = ? WHERE id = ?')
  const times: number[] = []
  for (let i = 0; i < edits; i++) {
    const at = Math.floor((i * notes.length) / edits)
    const asked = performance.now()
    driver.transaction(() => update.run(`${notes[at]?.text} and more`, ids[at] as string))
    times.push(performance.now() - asked)
  }
  driver.close()
  await files.wipe()
  return { inserted, edits: times }
}

addEventListener('message', ({ data }: MessageEvent<PlainNotes>) => void measure(data).then((answer) => postMessage(answer)))
