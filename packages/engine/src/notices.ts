/**
 * What a sync tells the person beside its result: stored problems, each settled when it is over.
 *
 * | code | told | settled |
 * | --- | --- | --- |
 * | `server-rolled-back`, `server-emptied`, `server-forked` | when a repair begins | by the first sync that has nothing to repair |
 * | `many-deleted` | when a sync took many rows away | after a day |
 * | `own-clock` | while this device's clock is not the server's | when it is again |
 */
import type { Store } from '#store'
import { rowsTable } from '#tables'

/** Larger differences between this device's clock and the server's are told. */
const CLOCK_WARNING_MILLIS = 10 * 60 * 1000
/** A sync that moves more than a tenth of a vault of over this many rows to the trash is told, for a day. */
const FEW_DELETED = 100
const MANY_DELETED = 'many-deleted'
const DAY = 24 * 60 * 60 * 1000

const SERVER_PROBLEMS = ['server-rolled-back', 'server-emptied', 'server-forked'] as const
type ServerProblemCode = (typeof SERVER_PROBLEMS)[number]

/** What was found when a server's log turned out not to be the one that this device has followed. */
interface FoundServer {
  readonly server: string
  readonly head: number
  /** The server's log is the beginning of ours. */
  readonly isPrefix: boolean
  readonly cursor: number
  /** Something that is here is not there. */
  readonly lacks: boolean
}

/** Names what happened to the server, in one sentence. */
export function tellServerProblem(store: Store, found: FoundServer): void {
  const [code, detail] = describe(found)
  store.write('remote', () => {
    for (const other of SERVER_PROBLEMS) store.settle(other)
    store.report(code, found.server, detail)
  })
}

function describe({ head, isPrefix, cursor, lacks }: FoundServer): [ServerProblemCode, string] {
  const nothingLost = 'Nothing is lost: this device gives back what it has.'
  if (head === 0) return ['server-emptied', `The server had lost everything that it held of this vault. ${nothingLost}`]
  if (isPrefix) {
    const lost = cursor - head
    const what = lost === 1 ? 'the last segment' : `the last ${lost} segments`
    return ['server-rolled-back', `The server was put back to an earlier state and had lost ${what} of its log. ${nothingLost}`]
  }
  if (!lacks) {
    return [
      'server-forked',
      "The server's log was made anew since this device last saw it: it was put back, emptied or replaced. It has everything again.",
    ]
  }
  return [
    'server-forked',
    `The server's log is another one than this device has followed: it was put back to an earlier state and written to since, or replaced. ${nothingLost}`,
  ]
}

/** Inside a transaction. False where there was nothing to settle. */
export function settleServerProblems(store: Store): boolean {
  const told = store.problems().some(({ code }) => SERVER_PROBLEMS.some((known) => known === code))
  if (told) for (const code of SERVER_PROBLEMS) store.settle(code)
  return told
}

/** Somebody may have deleted by mistake, or not be who they say: a sync that takes much away says so [SYNC-3]. */
export function tellDeletes(store: Store, deaths: number): void {
  const told = store.problems().some(({ code, at }) => code === MANY_DELETED && store.runtime.now() - at > DAY)
  if (deaths <= FEW_DELETED / 10 && !told) return
  const alive = Object.keys(store.schema.tables)
    .filter((table) => !table.startsWith('_'))
    .reduce((all, table) => {
      const row = store.driver.prepare(`SELECT count(*) AS c FROM ${rowsTable(table)} WHERE _deleted = 0`).get()
      return all + Number(row?.['c'] ?? 0)
    }, 0)
  const before = alive + deaths
  const many = before > FEW_DELETED && deaths * 10 > before
  if (!many && !told) return
  store.write('remote', () => {
    store.settle(MANY_DELETED)
    if (many)
      store.report(
        MANY_DELETED,
        'vault',
        `A sync moved ${deaths} of ${before} rows to the trash, as other devices had deleted them. If that was not meant, take them out of the trash again: they stay there for 30 days.`,
      )
  })
}

/** Inside a transaction. `serverNow`: Unix milliseconds. */
export function tellOwnClock(store: Store, { server, serverNow }: { readonly server: string; readonly serverNow: number }): void {
  const difference = store.runtime.now() - serverNow
  store.settle('own-clock')
  if (Math.abs(difference) <= CLOCK_WARNING_MILLIS) return
  const hours = Math.max(1, Math.round(Math.abs(difference) / 3_600_000))
  const side = difference > 0 ? 'ahead of' : 'behind'
  store.report('own-clock', server, `This device's clock is about ${hours} hour${hours === 1 ? '' : 's'} ${side} the server's.`)
}
