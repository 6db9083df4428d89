/**
 * What nobody tells a running watch: another process has written to its home, or the person is back.
 *
 * A `lockstep note add` beside the watch writes through its own connection, which the engine does not hear of. And a terminal has no
 * focus to lose: it counts as looked at all the time, so that a sync is due once the last one is over an hour old. While syncs fail the
 * watcher tries again by itself, later and later, and is left to it, except when the machine wakes up or a stopped process goes on:
 * what failed before may well work now.
 */

/** How often to look, in milliseconds. */
export const LOOK_EVERY = 500

/** After this many milliseconds without a look the machine was asleep, or the process stopped. */
const AWAY = 30_000

export interface Surroundings {
  /** Unix milliseconds. */
  readonly now: () => number
  /** Another value after another connection has written to the database. */
  readonly version: () => unknown
  /** There is something here that the server does not have. */
  readonly hasPending: () => boolean
  /** The last sync failed. */
  readonly isFailing: () => boolean
  readonly watcher: { readonly focused: () => void; readonly back: () => void; readonly changed: () => void }
}

/** Returns what is to be called every {@link LOOK_EVERY} milliseconds. */
export function lookAround({ now, version, hasPending, isFailing, watcher }: Surroundings): () => void {
  let seen = version()
  let lookedAt = now()
  return () => {
    const at = now()
    const wasAway = at - lookedAt > AWAY
    lookedAt = at
    if (wasAway) watcher.back()
    else if (!isFailing()) watcher.focused()
    const found = version()
    if (found === seen) return
    seen = found
    if (hasPending()) watcher.changed()
  }
}
