/** The timers that Node and browsers both have. */
import type { Timers } from '#watch'

export const timers: Timers = {
  after(millis, run) {
    const timer = setTimeout(run, millis)
    return () => clearTimeout(timer)
  },
  jitter: () => Math.random(),
}
