/**
 * Short texts that this browser keeps for the app outside of vaults: choices, drafts, notes on their way. Where it refuses to keep
 * anything, or has no room, what was to be kept holds for as long as its owner remembers it: nobody here fails for it.
 */
export interface Shelf {
  /** What stands under a name; undefined where nothing does. */
  read(name: string): string | undefined
  /** The JSON under a name; undefined where there is none, or something else. */
  readJson(name: string): unknown
  /** @param text undefined removes it */
  keep(name: string, text: string | undefined): void
  /** Names that begin with `start`. */
  names(start: string): string[]
  /** Removes all of it. */
  clear(): void
  /** Calls `listener` when another tab has changed what stands under a name. @returns how to stop listening */
  onElsewhere(name: string, listener: () => void): () => void
}

/** @param prefix of its keys in the browser's storage; no shelf's is the beginning of another's */
export function createShelf(prefix: string): Shelf {
  const shelf: Shelf = {
    read(name) {
      try {
        return localStorage.getItem(prefix + name) ?? undefined
      } catch {
        return undefined
      }
    },
    readJson(name) {
      try {
        return JSON.parse(shelf.read(name) ?? 'null') ?? undefined
      } catch {
        return undefined
      }
    },
    keep(name, text) {
      try {
        if (text === undefined) localStorage.removeItem(prefix + name)
        else localStorage.setItem(prefix + name, text)
      } catch {
        // Denied or full: see above.
      }
    },
    names(start) {
      try {
        return Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i) ?? '')
          .filter((key) => key.startsWith(prefix + start))
          .map((key) => key.slice(prefix.length))
      } catch {
        return []
      }
    },
    clear() {
      for (const name of shelf.names('')) shelf.keep(name, undefined)
    },
    onElsewhere(name, listener) {
      const onStorage = ({ key }: StorageEvent) => {
        // Without a key all was removed.
        if (key === null || key === prefix + name) listener()
      }
      globalThis.window?.addEventListener('storage', onStorage)
      return () => globalThis.window?.removeEventListener('storage', onStorage)
    },
  }
  return shelf
}

/** What holds whichever profile is shown. */
export const browserShelf = createShelf('lockstep-browser/')
