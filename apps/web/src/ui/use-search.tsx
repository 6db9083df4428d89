/** Notes that have the words typed so far. */
import { useDeferredValue, useEffect, useRef } from 'react'
import type { FoundNotes } from '#host/note-methods'
import { useAnswer, useVault } from '#ui/vault'

/** The value, or while it is undefined the one before it: what is shown does not go and come with every letter. Null forgets. */
export function useLastKnown<T>(value: T | undefined | null): T | undefined {
  const last = useRef<T>(undefined)
  useEffect(() => {
    if (value !== undefined) last.current = value ?? undefined
  })
  return value === null ? undefined : (value ?? last.current)
}

interface Search {
  readonly text: string
  readonly limit: number
  /** Only in this one. */
  readonly space?: string | undefined
}

interface Searched extends FoundNotes {
  /** For the words that are there now; else for those before them, until the answer comes. */
  readonly current: boolean
}

/** Undefined while nothing is asked, and while the first answer is on its way. */
export function useSearch({ text, limit, space }: Search): Searched | undefined {
  const vault = useVault()
  const words = text.trim()
  const asked = useDeferredValue(words)
  const { value } = useAnswer({
    key: `search ${limit} ${space ?? ''} ${asked}`,
    tables: ['notes', 'spaces'],
    ask: async () => (asked === '' ? undefined : vault.search({ text: asked, limit, space })),
  })
  const shown = useLastKnown(words === '' ? null : value)
  return shown === undefined ? undefined : { ...shown, current: value !== undefined && asked === words }
}
