/**
 * A disk that fills up under `node:sqlite`, for every connection of this process: at the n-th statement from now, once or
 * until there is room again. A statement counts if SQLite can need a page for it.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'

const SQLITE_FULL = 13

function fullError(): Error {
  const error = new Error('database or disk is full')
  return Object.assign(error, { code: 'ERR_SQLITE_ERROR', errcode: SQLITE_FULL, errstr: 'database or disk is full' })
}

/** What works on a full disk, too: looking, and giving up. */
const NEEDS_NO_ROOM = /^\s*(ROLLBACK|PRAGMA|SELECT)/i

const RUNNING = new Set(['run', 'get', 'all', 'iterate'])

export class FullDisk {
  readonly #prepare = DatabaseSync.prototype.prepare
  readonly #exec = DatabaseSync.prototype.exec
  readonly #connections = new Set<DatabaseSync>()
  #left = Infinity
  #lasting = false
  /** Statements that it has failed. */
  failed = 0

  constructor() {
    const disk = this
    DatabaseSync.prototype.prepare = function prepare(sql, ...rest) {
      disk.#connections.add(this)
      return disk.#guard(sql, disk.#prepare.call(this, sql, ...rest))
    }
    DatabaseSync.prototype.exec = function exec(sql) {
      disk.#connections.add(this)
      disk.#statement(sql)
      disk.#exec.call(this, sql)
    }
  }

  #guard(sql: string, statement: StatementSync): StatementSync {
    const check = () => this.#statement(sql)
    return new Proxy(statement, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (RUNNING.has(String(name))) check()
          return value.apply(target, args)
        }
      },
    })
  }

  #statement(sql: string): void {
    if (NEEDS_NO_ROOM.test(sql)) return
    this.#left -= 1
    if (this.#left > 0) return
    if (!this.#lasting) this.#left = Infinity
    this.failed += 1
    throw fullError()
  }

  /** The n-th statement from now finds the disk full; with `lasting` every one after it does as well. */
  fillAt(n: number, lasting: boolean): void {
    this.#left = n
    this.#lasting = lasting
    this.failed = 0
  }

  /** SQLite itself finds the disk full when a database needs more than `pages` more pages. */
  leave(pages: number): void {
    for (const db of this.#open()) {
      const count = Number(this.#prepare.call(db, 'PRAGMA page_count').get()?.['page_count'])
      this.#exec.call(db, `PRAGMA max_page_count = ${count + pages}`)
    }
  }

  makeRoom(): void {
    this.#left = Infinity
    this.#lasting = false
    for (const db of this.#open()) this.#exec.call(db, 'PRAGMA max_page_count = 4294967294')
  }

  #open(): DatabaseSync[] {
    return [...this.#connections].filter((db) => db.isOpen)
  }

  /** Puts `node:sqlite` back as it was. */
  remove(): void {
    DatabaseSync.prototype.prepare = this.#prepare
    DatabaseSync.prototype.exec = this.#exec
  }
}
