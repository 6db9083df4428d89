/** What has just come is scrolled to, as far as needed: on a small screen it comes below the edge. */
import { type RefObject, useEffect, useRef } from 'react'

export function useInView<E extends Element>(): RefObject<E | null> {
  const place = useRef<E>(null)
  useEffect(() => {
    place.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  return place
}
