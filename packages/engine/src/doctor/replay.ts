/**
 * Reads the server's log once more from its beginning, and says what it holds of some rows. Nothing of it is taken on
 * trust: segments are opened as ever, and the log must be the one that this device has followed [LOG-4].
 */
import { CryptoError } from '@lockstep/crypto/errors'
import { equalBytes, FormatError } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { type DeliveredSegment, SEGMENT_KIND } from '@lockstep/protocol/records'
import type { Cells, RowDelta } from '#cell'
import { type Content, toDelta } from '#content'
import { decodeContent } from '#content-decoder'
import type { CheckProgress } from '#doctor/check'
import { EngineError } from '#errors'
import { isGenuine } from '#inbox'
import { joinRow } from '#merge'
import type { Remote } from '#remote'
import { MissingEpochError, type Sealer } from '#sealing'
import type { Store } from '#store'

/** Segments being opened at once. */
const OPEN_AHEAD = 6

export interface ReplayOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly sha256: Sha256
  readonly remote: Remote
  readonly token: string
  readonly isWanted: (table: string, id: string) => boolean
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
}

export const rowKey = (table: string, id: string): string => `${table}\u0000${id}`

/**
 * The merged state of each wanted row in the log up to this device's cursor, by {@link rowKey}.
 * @throws EngineError where the log cannot be had, or read, as a whole: then it heals nothing.
 */
export async function replayRows(options: ReplayOptions): Promise<Map<string, Cells>> {
  const { store, remote, token, sha256 } = options
  const cursor = store.meta.get('cursor') ?? 0
  const found = new Map<string, Cells>()
  if (cursor === 0) return found
  const setAside = new Set(
    store.driver
      .prepare('SELECT seq FROM _quarantine')
      .values()
      .map(([seq]) => Number(seq)),
  )
  let last = 0
  let chain = CHAIN_START
  const opening: { readonly delivery: DeliveredSegment; readonly content: Promise<Content | undefined> }[] = []
  const take = async () => {
    const { delivery, content: opened } = opening.shift() as (typeof opening)[number]
    const content = await opened
    for (const row of content?.rows ?? []) {
      if (!options.isWanted(row.shape.table, row.id)) continue
      const { cells } = toDelta(row)
      const key = rowKey(row.shape.table, row.id)
      found.set(key, joinRow(found.get(key) ?? new Map(), cells))
    }
    const run = content?.header.run
    if (delivery.kind !== SEGMENT_KIND.merged) {
      if (delivery.first !== last + 1) throw incomplete()
      chain = extendChain(sha256, chain, identifySegment(sha256, delivery))
      last = delivery.last
    } else if (run === undefined || run.part === run.parts - 1) {
      if (delivery.first !== last + 1 || !equalBytes(delivery.previous, chain)) throw incomplete()
      // A run that could not be read was set aside when it came: it says nothing of the chain.
      if (run !== undefined) chain = run.chain
      last = delivery.last
    }
    options.onProgress?.({ check: 'rows', done: Math.min(last, cursor), total: cursor })
  }
  try {
    for await (const { segments } of remote.pull(token, { after: 0, chain: CHAIN_START, through: cursor })) {
      for (const delivery of segments) {
        const content = setAside.has(delivery.last) ? Promise.resolve(undefined) : openSegment(options.sealer, delivery)
        content.catch(() => {})
        opening.push({ delivery, content })
        if (opening.length >= OPEN_AHEAD) await take()
      }
    }
    while (opening.length > 0) await take()
  } catch (error) {
    if (error instanceof FormatError || error instanceof CryptoError || error instanceof MissingEpochError) {
      throw new EngineError('server-misbehaved', `the server's log cannot be read as a whole: ${error.message}`, { cause: error })
    }
    throw error
  }
  if (last < cursor) throw incomplete()
  if (last === cursor && setAside.size === 0 && !equalBytes(chain, store.meta.get('chain') ?? CHAIN_START)) throw incomplete()
  return found
}

function incomplete(): EngineError {
  return new EngineError(
    'server-diverged',
    'the server no longer has the log that this device has followed: sync first, which repairs it',
  )
}

async function openSegment(sealer: Sealer, delivery: DeliveredSegment): Promise<Content> {
  const content = decodeContent(await sealer.open(delivery, delivery.sealed))
  if (!isGenuine(content.header, delivery)) throw new FormatError('malformed', `segment ${delivery.last} belongs to another place`)
  return content
}

/** What this device has sealed and the server has not confirmed, row by row. A segment that cannot be opened is left out. */
export async function unsentDeltas(store: Store, sealer: Sealer, replica: Uint8Array): Promise<RowDelta[]> {
  const out: RowDelta[] = []
  for (const row of store.driver.prepare('SELECT * FROM _segments WHERE seq IS NULL ORDER BY counter').all()) {
    const place = { kind: SEGMENT_KIND.delta, epoch: Number(row['epoch']), replica, counter: Number(row['counter']) }
    try {
      out.push(...decodeContent(await sealer.open(place, row['sealed'] as Uint8Array)).rows.map(toDelta))
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof CryptoError || error instanceof MissingEpochError)) throw error
    }
  }
  return out
}
