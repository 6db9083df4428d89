/**
 * Pushes that arrive together are stored together: one transaction and one fsync for many answers [SYNC-2].
 *
 *     push ─┐
 *     push ─┼─ queue ── schedule ── storage.append(group) ── announce ── answer each
 *     push ─┘
 *
 * The group is what has arrived by the time the event loop has read all sockets that were ready; while one group is
 * being synced the next one gathers in the sockets. Nobody hears of a segment, neither its author nor a live device,
 * before `append` has resolved.
 */
import type { DeliveredSegment, Position } from '@lockstep/protocol/records'
import type { Append, AppendOutcome, Storage, VaultKey } from '#storage/storage'

/** Bounds how long one transaction holds up everything else. */
const MAX_GROUP = 256

/** New segments of one vault, in order (none where they are not at hand), and the log's position at the last of them. */
export interface Announcement {
  readonly vault: VaultKey
  readonly segments: readonly DeliveredSegment[]
  readonly position: Position
}

export interface GroupCommit {
  push(append: Append): Promise<AppendOutcome>
  /** Resolves when everything that was pushed so far has its outcome. */
  drained(): Promise<void>
}

export interface GroupCommitOptions {
  readonly storage: Pick<Storage, 'append'>
  /** Runs a function soon, after what is already ready to be read; `setImmediate` in a server. */
  readonly schedule: (run: () => void) => void
  readonly announce: (announcement: Announcement) => void
  readonly committed?: (pushes: number) => void
}

interface Waiting {
  readonly append: Append
  readonly resolve: (outcome: AppendOutcome) => void
  readonly reject: (error: unknown) => void
}

/** One announcement per vault: its segments of the whole group are one run of sequence numbers. */
function announcements(pushes: readonly Append[], outcomes: readonly AppendOutcome[]): Iterable<Announcement> {
  const byVault = new Map<VaultKey, Announcement>()
  pushes.forEach(({ vault }, i) => {
    const outcome = outcomes[i]
    if (outcome?.outcome !== 'appended' || outcome.added.length === 0) return
    const segments = [...(byVault.get(vault)?.segments ?? []), ...outcome.added]
    byVault.set(vault, { vault, segments, position: outcome.position })
  })
  return byVault.values()
}

export function createGroupCommit({ storage, schedule, announce, committed }: GroupCommitOptions): GroupCommit {
  let queue: Waiting[] = []
  let running = false
  let idle: (() => void)[] = []

  async function commit(group: readonly Waiting[]): Promise<void> {
    const pushes = group.map((waiting) => waiting.append)
    try {
      const outcomes = await storage.append(pushes)
      committed?.(group.length)
      for (const announcement of announcements(pushes, outcomes)) announce(announcement)
      group.forEach((waiting, i) => {
        waiting.resolve(outcomes[i] as AppendOutcome)
      })
    } catch (error) {
      for (const waiting of group) waiting.reject(error)
    }
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const group = queue.slice(0, MAX_GROUP)
      queue = queue.slice(MAX_GROUP)
      await commit(group)
    }
    running = false
    for (const resolve of idle) resolve()
    idle = []
  }

  return {
    push: (append) =>
      new Promise((resolve, reject) => {
        queue.push({ append, resolve, reject })
        if (running) return
        running = true
        schedule(() => void run())
      }),
    drained: () =>
      new Promise((resolve) => {
        if (running) idle.push(resolve)
        else resolve()
      }),
  }
}
