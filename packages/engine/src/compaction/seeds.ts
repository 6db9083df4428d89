/** A device's whole state as seeds: for a server that has lost what nobody has the sealed bytes of any more [LOG-9]. */
import { extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { WholeState } from '#compaction/state-parts'
import { sealState } from '#compaction/state-segment'
import type { Cover } from '#content'
import type { Sealer } from '#sealing'
import type { Store } from '#store'

export interface SeedOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  /** Where the log ends that the seeds are appended to, and the chain value there. */
  readonly head: number
  readonly chain: Uint8Array
  /** Everything that the state stands for; the last seed says it. */
  readonly covers: readonly Cover[]
}

/**
 * Seeds `head` + 1, + 2 …, at least one. They are made one at a time, as they are asked for.
 * @throws StateMovedError where a large row was written meanwhile
 */
export async function* seedRecords({ store, sealer, sha256, head, chain, covers }: SeedOptions): AsyncGenerator<SegmentRecord> {
  const state = new WholeState(store)
  let previous = chain
  for (let part = 0; part < state.count; part++) {
    const record = await sealState(
      { store, sealer },
      {
        kind: SEGMENT_KIND.seed,
        counter: head + part + 1,
        previous,
        covers: part === state.count - 1 ? covers : [],
        run: undefined,
        fill: (encoder) => state.fill(part, encoder),
      },
    )
    yield record
    previous = extendChain(sha256, previous, identifySegment(sha256, record))
  }
}
