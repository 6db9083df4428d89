/** The browser's promise to keep what this page has stored even when its disk runs low. */

let asked = false

/** Asks for the promise, once for each page: there is something worth keeping now. Some browsers ask the person. */
export function askToPersist(): void {
  if (asked) return
  asked = true
  // A browser that refuses, or knows no such promise, says so in App info.
  navigator.storage?.persist?.().catch(() => {})
}

export async function isPersisted(): Promise<boolean> {
  try {
    return await navigator.storage.persisted()
  } catch {
    return false
  }
}
