/** Whether this browser's person has put the spaces away, where there would be room for them. */
const KEY = 'lockstep/spaces-hidden'

export function readHidden(): boolean {
  try {
    return localStorage.getItem(KEY) === 'yes'
  } catch {
    return false
  }
}

export function keepHidden(hidden: boolean): void {
  try {
    if (hidden) localStorage.setItem(KEY, 'yes')
    else localStorage.removeItem(KEY)
  } catch {
    // It then holds until the page is closed.
  }
}
