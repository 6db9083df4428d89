/**
 * Sealed bytes that are kept for a server that loses something [LOG-9]. They are spare: a damaged one is dropped, before it is
 * given to anybody. Each must open, and between two remembered chain values they must lead from one to the other.
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { equalBytes, FormatError } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { type CheckResult, counted } from '#doctor/check'
import { MissingEpochError, type Sealer } from '#sealing'
import type { Store } from '#store'
import { type KeptSegment, keptSegments } from '#tail'

export interface TailCheckOptions {
  readonly store: Store
  readonly sha256: Sha256
  readonly sealer: Sealer | undefined
  readonly heal: boolean
  /** By {@link dropUnreadable}, just before. */
  readonly dropped: number
}

/** Rows of `_tail` that are no segments any more. */
const NO_SEGMENT = `length(replica) <> 32 OR replica GLOB '*[^0-9a-f]*' OR typeof(sealed) <> 'blob' OR typeof(previous) <> 'blob'
  OR length(previous) <> 32 OR kind NOT IN (0, 1, 2, 3) OR typeof(epoch) <> 'integer' OR typeof(counter) <> 'integer' OR counter < 1`

/** Inside a transaction: drops what cannot even be read. Returns how many that were. */
export function dropUnreadable({ driver }: Store): number {
  driver.exec(`DELETE FROM _tail WHERE ${NO_SEGMENT}`)
  return driver.changes()
}

export async function checkTail({ store, sha256, sealer, heal, dropped }: TailCheckOptions): Promise<CheckResult> {
  const cursor = store.meta.get('cursor') ?? 0
  const kept = [...keptSegments(store, 1, Number.MAX_SAFE_INTEGER)]
  const damaged = new Set(offChain(store, sha256, kept, cursor))
  if (sealer !== undefined) {
    const aside = setAside(store)
    for (const segment of kept) {
      if (!damaged.has(segment.sequence) && !aside.has(segment.sequence) && !(await opens(sealer, segment)))
        damaged.add(segment.sequence)
    }
  }
  const what = `${counted(kept.length + dropped, 'segment')} kept for repairs`
  const bad = damaged.size + dropped
  if (bad === 0) return { check: 'tail', verdict: 'ok', detail: what }
  const found = `${bad} of ${what} ${bad === 1 ? 'is' : 'are'} damaged`
  if (!heal) return { check: 'tail', verdict: 'problem', detail: found, hint: 'run it without --no-heal' }
  store.write('remote', () => {
    for (const sequence of damaged) {
      store.driver.prepare('DELETE FROM _tail WHERE seq = ?').run(sequence)
      store.driver.prepare('UPDATE _segments SET sealed = NULL WHERE seq = ?').run(sequence)
    }
  })
  return { check: 'tail', verdict: 'healed', detail: `${found} and no longer kept; the server has them` }
}

async function opens(sealer: Sealer, { record }: KeptSegment): Promise<boolean> {
  try {
    await sealer.open(record, record.sealed)
    return true
  } catch (error) {
    if (error instanceof MissingEpochError) return true
    if (error instanceof CryptoError || error instanceof FormatError) return false
    throw error
  }
}

function setAside({ driver }: Store): Set<number> {
  return new Set(
    driver
      .prepare('SELECT seq FROM _quarantine')
      .values()
      .map(([seq]) => Number(seq)),
  )
}

/** Segments between two chain values that do not lead from one to the other. */
function offChain(store: Store, sha256: Sha256, kept: readonly KeptSegment[], cursor: number): number[] {
  const marks = new Map<number, Uint8Array>([[0, CHAIN_START]])
  for (const { seq, chain } of store.driver.prepare('SELECT seq, chain FROM _marks').all()) {
    if (chain instanceof Uint8Array) marks.set(Number(seq), chain)
  }
  const last = store.meta.get('chain')
  if (last !== undefined) marks.set(cursor, last)
  const out: number[] = []
  let chain: Uint8Array | undefined
  let at = 0
  let since: number[] = []
  for (const { sequence, record } of kept) {
    if (sequence !== at + 1) chain = undefined
    chain = marks.get(sequence - 1) ?? chain
    if (marks.has(sequence - 1)) since = []
    at = sequence
    if (chain === undefined) continue
    chain = extendChain(sha256, chain, identifySegment(sha256, record))
    since.push(sequence)
    const expected = marks.get(sequence)
    if (expected !== undefined && !equalBytes(expected, chain)) out.push(...since)
  }
  return out
}
