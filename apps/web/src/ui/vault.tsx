/** What every part of the interface gets: the vault, and answers that stay right. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useSyncExternalStore } from 'react'
import type { HostClient } from '#host/methods'
import type { Known, LiveAnswers, Question } from '#vault/live'

interface VaultContext {
  readonly client: HostClient
  readonly live: LiveAnswers
}

const Context = createContext<VaultContext | undefined>(undefined)

export function VaultProvider({ client, live, children }: VaultContext & { readonly children: ReactNode }) {
  return <Context value={{ client, live }}>{children}</Context>
}

function useVaultContext(): VaultContext {
  const context = useContext(Context)
  if (context === undefined) throw new Error('there is no VaultProvider above')
  return context
}

export function useVault(): HostClient {
  return useVaultContext().client
}

/** `question.ask` may be a new function at each rendering: what counts is the key. */
export function useAnswer<T>(question: Question<T>): Known<T> {
  const { live } = useVaultContext()
  const { key } = question
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key names the question
  const subscribe = useCallback((listener: () => void) => live.subscribe(question, listener), [live, key])
  return useSyncExternalStore(subscribe, () => live.known<T>(key))
}

/** Calls `listener` whenever rows of these tables have changed, by whomever. */
export function useChanges(tables: readonly string[], listener: () => void): void {
  const { live } = useVaultContext()
  const current = useRef(listener)
  useEffect(() => {
    current.current = listener
  })
  const key = tables.join(' ')
  useEffect(() => live.onChange(key.split(' '), () => current.current()), [live, key])
}
