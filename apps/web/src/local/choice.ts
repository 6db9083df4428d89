/** A choice of this browser's person that parts of the page follow: kept with every change, told to all who show it, in every tab. */
import { useSyncExternalStore } from 'react'
import type { Shelf } from '#local/shelf'

export interface Choice<T> {
  readonly current: () => T
  /** For React: the choice, and again whenever it changes. */
  readonly use: () => T
  set(next: T): void
}

export interface ChoiceOptions<T> {
  readonly shelf: Shelf
  readonly name: string
  /** From what was kept, whatever it is; undefined where nothing was. */
  readonly parse: (json: unknown) => T
  /** What is kept; undefined for nothing. */
  readonly toJson: (value: T) => unknown
}

export function createChoice<T>({ shelf, name, parse, toJson }: ChoiceOptions<T>): Choice<T> {
  const listeners = new Set<() => void>()
  let value = parse(shelf.readJson(name))
  const current = (): T => value
  const subscribe = (listener: () => void): (() => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  const tell = () => {
    for (const listener of listeners) listener()
  }
  shelf.onElsewhere(name, () => {
    value = parse(shelf.readJson(name))
    tell()
  })
  return {
    current,
    use: () => useSyncExternalStore(subscribe, current),
    set(next) {
      value = next
      const json = toJson(next)
      shelf.keep(name, json === undefined ? undefined : JSON.stringify(json))
      tell()
    },
  }
}
