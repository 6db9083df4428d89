/**
 * Short texts that this browser keeps for the app outside the vault: choices, drafts, notes on their way. Where it refuses to keep
 * anything, or has no room, what was to be kept holds for as long as its owner remembers it: nobody here fails for it.
 */
const PREFIX = 'lockstep/'

/** What stands under a name; undefined where nothing does. */
export function readKept(name: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + name) ?? undefined
  } catch {
    return undefined
  }
}

/** @param text undefined removes it */
export function keep(name: string, text: string | undefined): void {
  try {
    if (text === undefined) localStorage.removeItem(PREFIX + name)
    else localStorage.setItem(PREFIX + name, text)
  } catch {
    // Denied or full: see above.
  }
}

/** Names that begin with `start`. */
export function keptNames(start: string): string[] {
  try {
    return Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i) ?? '')
      .filter((key) => key.startsWith(PREFIX + start))
      .map((key) => key.slice(PREFIX.length))
  } catch {
    return []
  }
}

/** The JSON under a name; undefined where there is none, or something else. */
export function readKeptJson(name: string): unknown {
  try {
    return JSON.parse(readKept(name) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

/** Removes all of it. */
export function forgetKept(): void {
  for (const name of keptNames('')) keep(name, undefined)
}
