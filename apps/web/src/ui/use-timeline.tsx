/** A space's notes by id, the oldest first, and the pinned ones. */
import { useRef } from 'react'
import { takeStep } from '#host/timeline-step'
import type { PinnedNote } from '#host/timelines'
import { useAnswer, useVault } from '#ui/vault'

interface ShownTimeline {
  readonly version: string
  readonly ids: readonly string[]
  readonly pinned: readonly PinnedNote[]
}

/** Undefined while the first answer is on its way. `ids` stays the same list for as long as it says the same. */
export function useTimeline(space: string): ShownTimeline | undefined {
  const vault = useVault()
  const known = useRef<ShownTimeline>(undefined)
  const { value } = useAnswer({
    key: `timeline ${space}`,
    tables: ['notes', 'spaces'],
    ask: async () => {
      const before = known.current?.ids ?? []
      const { version, step, pinned } = await vault.timeline(space, known.current?.version)
      known.current = { version, ids: step === undefined ? before : takeStep(before, step), pinned }
      return known.current
    },
  })
  return value
}
