/** Where somebody is, and how they get elsewhere; the browser's buttons go back and forth between places. */
import { useCallback, useEffect, useState } from 'react'
import { hashOf, type Place, parsePlace } from '#places/place'

export type Go = (place: Place) => void

const addressOf = (place: Place): string => `${location.pathname}${location.search}${hashOf(place)}`

interface Going {
  readonly place: Place
  /** Going to a place that one is at already goes there anew: the place is another object then. */
  readonly go: Go
  /** One is at this place already: the way back does not lead through what the address says now. */
  readonly correct: Go
}

export function usePlace(): Going {
  const [place, setPlace] = useState(() => parsePlace(location.hash))
  useEffect(() => {
    const onChange = () => setPlace(parsePlace(location.hash))
    addEventListener('popstate', onChange)
    return () => removeEventListener('popstate', onChange)
  }, [])
  const go = useCallback((next: Place) => {
    if (hashOf(next) !== location.hash) history.pushState(null, '', addressOf(next))
    setPlace(next)
  }, [])
  const correct = useCallback((next: Place) => {
    history.replaceState(null, '', addressOf(next))
    setPlace(next)
  }, [])
  return { place, go, correct }
}
