/** What is known of the screen. */
import { useSyncExternalStore } from 'react'

/** Where the spaces are a drawer over the notes; as in the style sheets. */
const NARROW = '(max-width: 720px)'

function subscribe(listener: () => void): () => void {
  const media = matchMedia(NARROW)
  media.addEventListener('change', listener)
  return () => media.removeEventListener('change', listener)
}

export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => matchMedia(NARROW).matches)
