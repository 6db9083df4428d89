/**
 * Parts of the interface that the first screen can do without. One that has been loaded is drawn at once, like any other component;
 * before that something else has its place. All are fetched while nothing else goes on, so that mostly they are there when somebody
 * wants them.
 */
import { type ComponentType, createElement, type ReactNode, useEffect, useState } from 'react'
import { loadPart } from '#loading/load-part'
import { updates } from '#updates/updates'

interface PlaceProps<P> {
  readonly props: P
  readonly fallback?: ReactNode
  /** It cannot be loaded; the person has been told. */
  readonly onMissing: () => void
}

const fetches: (() => Promise<void>)[] = []

export function createPart<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<PlaceProps<P>> {
  let loaded: ComponentType<P> | undefined
  let loading: Promise<void> | undefined
  async function fetchOnce(): Promise<void> {
    try {
      loaded = await loadPart(load)
    } catch (error) {
      loading = undefined
      throw error
    }
  }
  function fetchPart(): Promise<void> {
    loading ??= fetchOnce()
    return loading
  }
  fetches.push(fetchPart)

  return function Place({ props, fallback, onMissing }) {
    const shown = loaded
    const [, setArrived] = useState(false)
    // biome-ignore lint/correctness/useExhaustiveDependencies: it arrives once
    useEffect(() => {
      if (shown !== undefined) return
      let gone = false
      fetchPart().then(
        () => gone || setArrived(true),
        () => {
          if (gone) return
          updates.missing()
          onMissing()
        },
      )
      return () => {
        gone = true
      }
    }, [])
    return shown === undefined ? fallback : createElement(shown, props)
  }
}

/** A dialog as a part: where it cannot be loaded it closes. */
export function createDialogPart<P extends { readonly onClose: () => void }>(
  load: () => Promise<ComponentType<P>>,
): ComponentType<P> {
  const Place = createPart(load)
  return function DialogPart(props) {
    return <Place props={props} onMissing={props.onClose} />
  }
}

/** One after the other, each when the page has nothing else to do. What cannot be had now is fetched when it is wanted. */
export function prefetchParts(): void {
  const waiting = [...fetches]
  // Safari has no idle callbacks.
  const whenIdle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200))
  const next = () => {
    const fetchPart = waiting.shift()
    if (fetchPart === undefined) return
    fetchPart()
      .catch(() => {})
      .then(() => whenIdle(next))
  }
  whenIdle(next)
}
