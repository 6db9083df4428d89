/**
 * Gives the room that merging has freed back to the file system, a step at a time.
 *
 *     eighth of the file free ──► incremental_vacuum(256) ──► … ──► none free ──► checkpoint, log cut to nothing
 *
 * SQLite keeps freed pages for later use; a log of which nothing but its state is left would for ever have the size of its
 * history. Each step is a short transaction of its own, so that a push waits for one step at most; a process that dies
 * between two finds the rest of the free pages where they were and goes on. What little a merge of a day's work frees stays for the
 * next day's. In WAL mode the file itself becomes shorter at the checkpoint; while a backup reads there is none, and the next
 * merge sees to it.
 */
import type { Connection } from '#storage/sqlite/connection'

/** Pages that one step gives back: 1 MiB, some of which it moves. */
const STEP_PAGES = 256
/** Shrinking begins when more than one page in so many is free. */
const FREE_SHARE = 8

export interface Shrinking {
  /** Answers whether there is more to do. @throws StorageFullError: moving pages takes room in the log. */
  step(): boolean
}

export function createShrinking({ db, transact }: Connection, crashPoint: (name: string) => void): Shrinking {
  const free = db.prepare('PRAGMA freelist_count')
  const pages = db.prepare('PRAGMA page_count')
  const freePages = () => free.get()?.['freelist_count'] as number
  const pageCount = () => pages.get()?.['page_count'] as number
  let running = false

  /** Undoes what `step` began; the checkpoint makes the file as short as its content. */
  function finish(): false {
    running = false
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return false
  }

  return {
    step() {
      if (!db.isOpen) return false
      const before = freePages()
      if (running && before === 0) return finish()
      if (!running && before * FREE_SHARE <= pageCount()) return false
      running = true
      transact(() => db.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`))
      crashPoint('after-shrinking-step')
      // A database that could not be written anew for lack of room (schema.ts) gives nothing back.
      return freePages() < before || finish()
    },
  }
}
