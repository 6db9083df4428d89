/** What a server holds of each replica, against what is here: which way something has to travel. Pure. */
import { equalBytes, toHex } from '@lockstep/protocol/bytes'
import type { Known } from '#log'
import type { LogState } from '#log-mismatch'

/** A range of a replica's counters that the server lacks. */
export interface Missing {
  readonly replica: string
  readonly first: number
  readonly last: number
}

/** The last segment of a replica that the server has. */
export function heldOf({ coverage }: LogState, wanted: string): Known | undefined {
  const found = coverage.find(({ replica }) => toHex(replica) === wanted)
  const counter = found?.ranges.at(-1)?.[1]
  return found === undefined || counter === undefined ? undefined : { counter, digest: found.digest }
}

/** Counters that are here and that the server lacks. */
export function missingOf(known: ReadonlyMap<string, Known>, { coverage }: LogState): Missing[] {
  const held = new Map(coverage.map(({ replica, ranges }) => [toHex(replica), ranges.at(-1)?.[1] ?? 0]))
  return [...known].flatMap(([replica, { counter }]) => {
    const theirs = held.get(replica) ?? 0
    return theirs < counter ? [{ replica, first: theirs + 1, last: counter }] : []
  })
}

/** True if the server has another segment under a counter than the one that is here. */
export function isForked(known: ReadonlyMap<string, Known>, { coverage }: LogState): boolean {
  return coverage.some(({ replica, ranges, digest }) => {
    const ours = known.get(toHex(replica))
    return ours?.digest !== undefined && ours.counter === ranges.at(-1)?.[1] && !equalBytes(ours.digest, digest)
  })
}

/** True if the server has a counter that is not here, or something else under one that is. */
export function holdsMore(known: ReadonlyMap<string, Known>, { coverage }: LogState): boolean {
  return coverage.some(({ replica, ranges, digest }) => {
    const ours = known.get(toHex(replica))
    const theirs = ranges.at(-1)?.[1] ?? 0
    return (
      ours === undefined ||
      theirs > ours.counter ||
      (theirs === ours.counter && ours.digest !== undefined && !equalBytes(digest, ours.digest))
    )
  })
}
