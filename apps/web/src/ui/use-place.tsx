/** Where somebody is, and how they get elsewhere; the browser's buttons go back and forth between places. */
import { useCallback, useEffect, useState } from 'react'
import { hashOf, type Place, parsePlace } from '#places/place'

export type Go = (place: Place) => void

/** Going to a place that one is at already goes there anew: the place is another object then. */
export function usePlace(): readonly [Place, Go] {
  const [place, setPlace] = useState(() => parsePlace(location.hash))
  useEffect(() => {
    const onChange = () => setPlace(parsePlace(location.hash))
    addEventListener('popstate', onChange)
    return () => removeEventListener('popstate', onChange)
  }, [])
  const go = useCallback((next: Place) => {
    const hash = hashOf(next)
    if (hash !== location.hash) history.pushState(null, '', `${location.pathname}${location.search}${hash}`)
    setPlace(next)
  }, [])
  return [place, go]
}
