/** A device's whole state as seeds: for a server that has lost what nobody has the sealed bytes of any more [LOG-9]. */
import { fromHex } from '@lockstep/protocol/bytes'
import { extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { SEGMENT_KIND, type SegmentRecord } from '@lockstep/protocol/records'
import { WholeState } from '#compaction/state-parts'
import type { Cover } from '#content'
import { ContentEncoder } from '#content-encoder'
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
  const { epoch } = sealer
  const replica = fromHex(store.replica)
  let previous = chain
  for (let part = 0; part < state.count; part++) {
    const counter = head + part + 1
    const encoder = new ContentEncoder(
      {
        replica: store.replica,
        wallClock: Math.max(0, Math.floor(store.runtime.now())),
        epoch,
        bundleVersion: store.meta.get('bundleVersion') ?? 0,
        seen: [],
        covers: part === state.count - 1 ? covers : [],
        run: undefined,
      },
      { packTexts: true },
    )
    state.fill(part, encoder)
    const place = { kind: SEGMENT_KIND.seed, epoch, replica, counter }
    const record = { ...place, previous, sealed: await sealer.seal(place, encoder.finish(counter, previous)) }
    yield record
    previous = extendChain(sha256, previous, identifySegment(sha256, record))
  }
}
