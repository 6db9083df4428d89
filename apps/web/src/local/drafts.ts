/** What stands in a composer and was not saved yet: written down at each letter, so that a closed tab loses none. */
const PREFIX = 'lockstep/draft/'

export function readDraft(space: string): string {
  try {
    return localStorage.getItem(PREFIX + space) ?? ''
  } catch {
    return ''
  }
}

export function keepDraft(space: string, text: string): void {
  try {
    if (text === '') localStorage.removeItem(PREFIX + space)
    else localStorage.setItem(PREFIX + space, text)
  } catch {
    // Storage is denied or full: the text is still on the screen.
  }
}
