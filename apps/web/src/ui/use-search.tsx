/** Notes that have the words typed so far. */
import { useDeferredValue } from 'react'
import type { FoundNotes } from '#host/note-methods'
import { useAnswer, useVault } from '#ui/vault'

interface Search {
  readonly text: string
  readonly limit: number
  /** Only in this one. */
  readonly space?: string | undefined
}

/** Undefined while nothing is asked, and while the first answer is on its way. */
export function useSearch({ text, limit, space }: Search): FoundNotes | undefined {
  const vault = useVault()
  const asked = useDeferredValue(text.trim())
  const { value } = useAnswer({
    key: `search ${limit} ${space ?? ''} ${asked}`,
    tables: ['notes', 'spaces'],
    ask: async () => (asked === '' ? undefined : vault.search({ text: asked, limit, space })),
  })
  return value
}
