/** All diffs, the latest day first, and those that have the words typed so far. */
import { useDeferredValue } from 'react'
import type { FoundDiffs } from '#host/diff-methods'
import { useLastKnown } from '#ui/use-search'
import { useAnswer, useVault } from '#ui/vault'

/** Undefined while the first answer is on its way. */
export function useDiffs() {
  const vault = useVault()
  return useAnswer({ key: 'diffs', tables: ['diffs', 'stars', 'reading'], ask: () => vault.diffs() }).value
}

interface DiffSearch {
  readonly text: string
  readonly limit: number
}

/** Undefined while nothing is asked, and while the first answer is on its way. */
export function useDiffSearch({ text, limit }: DiffSearch): FoundDiffs | undefined {
  const vault = useVault()
  const words = text.trim()
  const asked = useDeferredValue(words)
  const { value } = useAnswer({
    key: `search diffs ${limit} ${asked}`,
    tables: ['diffs', 'stars'],
    ask: async () => (asked === '' ? undefined : vault.searchDiffs({ text: asked, limit })),
  })
  return useLastKnown(words === '' ? null : value)
}
