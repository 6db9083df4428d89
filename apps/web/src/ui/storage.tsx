/** Whether notes are kept: a browser that cannot store says so before anything is written, and the truth stays in sight. */
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import type { Storage } from '#host/storage'
import { isPersisted } from '#local/persistence'
import { t } from '#strings/strings'
import { useAnswer, useVault } from '#ui/vault'

interface StorageContext {
  readonly storage: Storage
  /** Begins anew with a vault in memory. */
  readonly onMemory: () => void
}

const Context = createContext<StorageContext>({ storage: 'browser', onMemory: () => {} })

export function StorageProvider({ storage, onMemory, children }: StorageContext & { readonly children: ReactNode }) {
  return <Context value={{ storage, onMemory }}>{children}</Context>
}

export const useStorage = (): Storage => useContext(Context).storage

/** In the place of the app, where the vault cannot be opened. */
export function CannotStore({ error }: { readonly error: Error }) {
  const { onMemory } = useContext(Context)
  const denied = (error as { code?: unknown }).code === 'io'
  return (
    <main className="cannot-store">
      <div role="alert">
        <h1>{denied ? t.cannotStore : t.cannotOpen}</h1>
        <p>{denied ? t.cannotStoreHint : t.cannotOpenHint}</p>
      </div>
      {denied && (
        <>
          <button type="button" className="primary" onClick={onMemory}>
            {t.memory.begin}
          </button>
          <p>{t.memory.beginHint}</p>
        </>
      )}
      <p>
        <small>{t.said(error.message)}</small>
      </p>
    </main>
  )
}

/** In sight for as long as nothing is kept; the browser asks before a tab with notes in it is closed. */
export function MemoryBanner() {
  return useContext(Context).storage === 'memory' ? <Forgetting /> : null
}

function Forgetting() {
  const vault = useVault()
  const { value: spaces = [] } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const hasNotes = spaces.some(({ notes }) => notes > 0)
  useEffect(() => {
    if (!hasNotes) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [hasNotes])
  return (
    <p className="memory-banner" role="status">
      {t.memory.banner}
    </p>
  )
}

/** For App info: what this browser has promised. */
export function StorageNote() {
  const { storage } = useContext(Context)
  const [persisted, setPersisted] = useState<boolean>()
  useEffect(() => void isPersisted().then(setPersisted), [])
  if (storage === 'memory') return <p className="hint">{t.memory.banner}</p>
  return <p className="hint">{persisted !== undefined && (persisted ? t.storage.persisted : t.storage.evictable)}</p>
}
