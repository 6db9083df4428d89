/** A part of a device's state as a segment, sealed: of a merged run or of a seed, which differ in their header alone. */
import { fromHex } from '@lockstep/protocol/bytes'
import type { SegmentRecord } from '@lockstep/protocol/records'
import type { Cover, MergedRun } from '#content'
import { ContentEncoder } from '#content-encoder'
import type { Sealer } from '#sealing'
import type { Store } from '#store'

export interface StateSegment {
  readonly kind: SegmentRecord['kind']
  readonly counter: number
  readonly previous: Uint8Array
  /** What the whole state stands for, in its last part. */
  readonly covers: readonly Cover[]
  readonly run: MergedRun | undefined
  readonly fill: (encoder: ContentEncoder) => void
}

export async function sealState(
  { store, sealer }: { readonly store: Store; readonly sealer: Sealer },
  { kind, counter, previous, covers, run, fill }: StateSegment,
): Promise<SegmentRecord> {
  const { replica, runtime, meta } = store
  const { epoch } = sealer
  const encoder = new ContentEncoder(
    {
      replica,
      wallClock: Math.max(0, Math.floor(runtime.now())),
      epoch,
      bundleVersion: meta.get('bundleVersion') ?? 0,
      seen: [],
      covers,
      run,
    },
    { packTexts: true },
  )
  fill(encoder)
  const place = { kind, epoch, replica: fromHex(replica), counter }
  return { ...place, previous, sealed: await sealer.seal(place, encoder.finish(counter, previous)) }
}
