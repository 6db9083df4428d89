/** Removes every small choice and draft that this app has kept outside the vault. */
const PREFIX = 'lockstep/'

export function forgetLocal(): void {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key)
  } catch {
    // Storage is denied: nothing was kept.
  }
}
