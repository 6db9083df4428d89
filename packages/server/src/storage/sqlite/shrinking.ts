/**
 * Gives the room that merging has freed back to the file system, a step at a time, and takes what was removed off the disk.
 *
 *     eighth of the file free ─┐
 *     a vault was removed ─────┴► incremental_vacuum(256) ──► … ──► none free ──► checkpoint, log cut to nothing
 *     a share was removed, or the server has started ───────────────────────────┘
 *
 * SQLite keeps freed pages for later use; a log of which nothing but its state is left would for ever have the size of its
 * history. Each step is a short transaction of its own, so that a push waits for one step at most; a process that dies
 * between two finds the rest of the free pages where they were and goes on. What little a merge of a day's work frees stays for the
 * next day's. In WAL mode the file itself becomes shorter at the checkpoint; while a backup reads there is none, and the next
 * call sees to it.
 *
 * What was removed lies in free pages and in the write-ahead log until then. That a removed vault's free pages are still to be given
 * back is written in the database (`erasing`); the log is cut at each start, whatever the process before it left in it.
 */
import type { Connection } from '#storage/sqlite/connection'

/** Pages that one step gives back: 1 MiB, some of which it moves. */
const STEP_PAGES = 256
/** Shrinking begins when more than one page in so many is free. */
const FREE_SHARE = 8

export interface Shrinking {
  /** Something was removed that is to leave the log. */
  erased(): void
  /** Answers whether there is more to do. @throws StorageFullError: moving pages takes room in the log. */
  step(): boolean
}

export function createShrinking({ db, transact }: Connection, crashPoint: (name: string) => void): Shrinking {
  const free = db.prepare('PRAGMA freelist_count')
  const pages = db.prepare('PRAGMA page_count')
  const freePages = () => free.get()?.['freelist_count'] as number
  const pageCount = () => pages.get()?.['page_count'] as number
  const erasing = db.prepare('SELECT 1 FROM server WHERE erasing = 1')
  const endErasing = db.prepare('UPDATE server SET erasing = 0')
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  let running = false
  let uncut = true

  /** Undoes what `step` began; the checkpoint makes the file as short as its content. */
  function finish(): false {
    running = false
    uncut = checkpoint.get()?.['busy'] !== 0
    // Pages that cannot be given back (schema.ts) keep it on the list.
    if (!uncut && freePages() === 0 && erasing.get() !== undefined) transact(() => endErasing.run())
    return false
  }

  return {
    erased() {
      uncut = true
    },
    step() {
      const before = freePages()
      const isErasing = erasing.get() !== undefined
      if (before === 0 && (running || isErasing)) return finish()
      if (!running && !isErasing && before * FREE_SHARE <= pageCount()) return uncut && finish()
      running = true
      transact(() => db.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`))
      crashPoint('after-shrinking-step')
      // A database that could not be written anew for lack of room (schema.ts) gives nothing back.
      return freePages() < before || finish()
    },
  }
}
