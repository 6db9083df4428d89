/**
 * Runs the storage's tidying up between requests: a step, then whatever has arrived meanwhile, then the next step. So a
 * request waits for one step at most, and a busy server is tidied up as well as an idle one.
 */
import { type Storage, StorageFullError } from '#storage/storage'

export interface Tidying {
  /** There may be something to do: the server has started, room was freed, something was removed, an hour has gone by. */
  wake(): void
}

export interface TidyingOptions {
  readonly storage: Pick<Storage, 'maintain'>
  /** Unix milliseconds. */
  readonly clock: () => number
  /** Runs a function once what is ready to be read has been read. */
  readonly schedule: (run: () => void) => void
  readonly onError: (error: unknown) => void
}

export function createTidying({ storage, clock, schedule, onError }: TidyingOptions): Tidying {
  let running = false

  async function step(): Promise<void> {
    try {
      running = await storage.maintain(clock())
    } catch (error) {
      running = false
      // There is nothing to be done about it here, and pushes are refused with it.
      if (!(error instanceof StorageFullError)) onError(error)
    }
    if (running) schedule(() => void step())
  }

  return {
    wake() {
      if (running) return
      running = true
      schedule(() => void step())
    },
  }
}
