/**
 * A text's updates in a merged segment: those of one run, as few bytes as they can be [CELL-4].
 *
 * Updates of a run whose base stands in an older one cannot be the whole text's state: all that was ever written on the base
 * would then stand in every run again. What is wanted is what the run's writers inserted, without what has been deleted
 * since. A document gives that: built from all there is and asked for what comes after the point where the run began, for
 * each writer in it. Its list of deletions is the whole document's, so for a few edits of a much-edited text the updates
 * side by side are smaller; the smaller one is taken. Both hold all of the run, which is what merging needs.
 */
import * as Y from 'yjs'
import type { TextBase, TextUpdate } from '#cell'
import type { Stamp } from '#hlc'
import { buildDoc, compactUpdates, mergeUpdates } from '#text'

/** Where each writer of the updates begins: client id → clock. */
function beginnings(updates: readonly Uint8Array[]): Map<number, number> {
  const out = new Map<number, number>()
  for (const update of updates) {
    for (const [client, clock] of Y.parseUpdateMeta(update).from) {
      const known = out.get(client)
      if (known === undefined || clock < known) out.set(client, clock)
    }
  }
  return out
}

/** What the document of `entry` has of the updates' writers from where they begin; undefined where it has gaps. */
function throughDocument(key: number, entry: TextBase, updates: readonly Uint8Array[]): Uint8Array | undefined {
  const { doc, unusable } = buildDoc(key, entry)
  try {
    if (unusable.length > 0 || doc.store.pendingStructs !== null || doc.store.pendingDs !== null) return undefined
    const known = Y.decodeStateVector(Y.encodeStateVector(doc))
    for (const [client, clock] of beginnings(updates)) known.set(client, Math.min(clock, known.get(client) ?? 0))
    return Y.encodeStateAsUpdate(doc, Y.encodeStateVector(known))
  } catch {
    return undefined
  } finally {
    doc.destroy()
  }
}

function sideBySide(updates: readonly Uint8Array[]): Uint8Array | undefined {
  try {
    return mergeUpdates(updates)
  } catch {
    // A broken writer's, which can be read and not merged.
    return undefined
  }
}

/**
 * Updates that hold at least `updates`. `entry` is what the device has of the base and contains them; `withBase`: the run has
 * the base itself, too.
 */
export function compactRun(key: number, entry: TextBase, updates: readonly TextUpdate[], withBase: boolean): readonly TextUpdate[] {
  if (updates.length === 0) return []
  const [first] = entry.updates
  const uniform = first !== undefined && entry.base !== undefined && entry.updates.every(({ base }) => base === first.base)
  const groups = new Map<Stamp, Uint8Array[]>()
  for (const { base, bytes } of updates) groups.set(base, [...(groups.get(base) ?? []), bytes])
  const out: TextUpdate[] = []
  for (const [base, all] of groups) {
    const joined = sideBySide(all)
    if (!uniform || base !== first.base) {
      out.push(...(joined === undefined ? all : [joined]).map((bytes) => ({ base, bytes })))
      continue
    }
    if (withBase) {
      const whole = compactUpdates(key, entry)
      if (joined === undefined || sizeOf(whole) <= joined.length) {
        out.push(...whole)
        continue
      }
    }
    const through = throughDocument(key, entry, all)
    const best = through !== undefined && (joined === undefined || through.length < joined.length) ? through : joined
    out.push(...(best === undefined ? all : [best]).map((bytes) => ({ base, bytes })))
  }
  return out
}

function sizeOf(updates: readonly TextUpdate[]): number {
  return updates.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
