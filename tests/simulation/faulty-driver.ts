/**
 * A database connection of one process that may be killed between any two statements or have its disk fail. Several
 * processes share one database: what a killed one had not committed is rolled back, what it had committed stays.
 */
import { type Driver, DriverError, type Row, type SqlValue, type Statement } from '@lockstep/engine/driver'

/** Thrown at the point of death; everything the dead process still tries to do with its database ends here, too. */
export class Killed extends Error {
  constructor() {
    super('this process was killed by the simulation')
    this.name = 'Killed'
  }
}

/** Armed to go off at the n-th statement from now, BEGIN and COMMIT counted. */
export interface StatementFault {
  readonly kind: 'kill' | 'full' | 'io'
  in: number
}

export class FaultyDriver implements Driver {
  readonly #inner: Driver
  readonly #died: () => void
  readonly #fired: (kind: StatementFault['kind']) => void
  #dead = false
  fault: StatementFault | undefined

  constructor(inner: Driver, on: { readonly died: () => void; readonly fired: (kind: StatementFault['kind']) => void }) {
    this.#inner = inner
    this.#died = on.died
    this.#fired = on.fired
  }

  get path(): string | undefined {
    return undefined
  }

  get inTransaction(): boolean {
    return this.#inner.inTransaction
  }

  /** From now on nothing of this process reaches the database. */
  kill(): void {
    this.#dead = true
  }

  #statement(sql: string, mayFail = true): void {
    if (this.#dead) throw new Killed()
    const { fault } = this
    if (fault === undefined || --fault.in > 0) return
    if (fault.kind !== 'kill') {
      // After a commit there is nothing left to fail.
      if (!mayFail) return
      this.fault = undefined
      this.#fired(fault.kind)
      throw new DriverError(fault.kind, fault.kind === 'full' ? 'database or disk is full' : 'disk I/O error', { sql })
    }
    this.fault = undefined
    this.#fired(fault.kind)
    this.#dead = true
    this.#died()
    throw new Killed()
  }

  prepare(sql: string): Statement {
    const inner = this.#inner.prepare(sql)
    const check = () => this.#statement(sql)
    return {
      run: (...params: SqlValue[]) => {
        check()
        inner.run(...params)
      },
      get: (...params: SqlValue[]) => {
        check()
        return inner.get(...params)
      },
      all: (...params: SqlValue[]) => {
        check()
        return inner.all(...params)
      },
      values: (...params: SqlValue[]) => {
        check()
        return inner.values(...params)
      },
      iterate: (...params: SqlValue[]): IterableIterator<Row> => {
        check()
        return inner.iterate(...params)
      },
    }
  }

  exec(sql: string): void {
    this.#statement(sql)
    this.#inner.exec(sql)
  }

  transaction<T>(body: () => T): T {
    this.#statement('BEGIN')
    const result = this.#inner.transaction(() => {
      const made = body()
      this.#statement('COMMIT')
      return made
    })
    this.#statement('after COMMIT', false)
    return result
  }

  changes(): number {
    return this.#inner.changes()
  }

  close(): void {
    this.#dead = true
  }
}
