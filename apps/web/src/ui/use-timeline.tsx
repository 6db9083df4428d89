/** A space's notes by id, the oldest first, and the pinned ones. */
import { useRef } from 'react'
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
      const { version, ids, pinned } = await vault.timeline(space, known.current?.version)
      const list = ids === undefined ? (known.current?.ids ?? []) : ids === '' ? [] : ids.split(' ')
      known.current = { version, ids: list, pinned }
      return known.current
    },
  })
  return value
}
