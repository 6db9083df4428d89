/** A vault as the search index sees one: two tables with text, the change log, a view of what people see. */
import type { Driver } from '#driver'
import type { SearchSource } from '#search/search-index'

export const SOURCE: SearchSource = {
  tables: [
    { table: 'rows_notes', columns: ['title', 'body'], visible: 'notes' },
    { table: 'rows_diffs', columns: ['text'] },
  ],
}

export function createVault(driver: Driver): void {
  driver.exec(`
    CREATE TABLE rows_notes (_n INTEGER PRIMARY KEY, title TEXT, body TEXT, _deleted INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE rows_diffs (_n INTEGER PRIMARY KEY, text TEXT);
    CREATE VIEW notes AS SELECT * FROM rows_notes WHERE _deleted = 0;
    CREATE TABLE _changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, n INTEGER NOT NULL, n_last INTEGER)`)
}

export interface Note {
  readonly title: string | null
  readonly body: string | null
}

/** Writes as the engine does: rows and their log entries in one transaction. */
export function vaultWriter(driver: Driver) {
  const log = (table: string, n: number, last: number | null = null): void =>
    driver.prepare('INSERT INTO _changes (tbl, n, n_last) VALUES (?, ?, ?)').run(table, n, last)
  return {
    put(n: number, note: Note): void {
      driver.transaction(() => {
        driver.prepare('INSERT OR REPLACE INTO rows_notes (_n, title, body) VALUES (?, ?, ?)').run(n, note.title, note.body)
        log('rows_notes', n)
      })
    },
    load(first: number, notes: readonly Note[]): void {
      driver.transaction(() => {
        for (const [i, note] of notes.entries()) {
          driver.prepare('INSERT INTO rows_notes (_n, title, body) VALUES (?, ?, ?)').run(first + i, note.title, note.body)
        }
        log('rows_notes', first, first + notes.length - 1)
      })
    },
    hide(n: number): void {
      driver.transaction(() => {
        driver.prepare('UPDATE rows_notes SET _deleted = 1 WHERE _n = ?').run(n)
        log('rows_notes', n)
      })
    },
    remove(n: number): void {
      driver.transaction(() => {
        driver.prepare('DELETE FROM rows_notes WHERE _n = ?').run(n)
        log('rows_notes', n)
      })
    },
    putDiff(n: number, text: string): void {
      driver.transaction(() => {
        driver.prepare('INSERT OR REPLACE INTO rows_diffs (_n, text) VALUES (?, ?)').run(n, text)
        log('rows_diffs', n)
      })
    },
  }
}
