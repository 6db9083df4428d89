/** Hosts whose images this browser fetches: the person allowed each. */
import { useSyncExternalStore } from 'react'

const KEY = 'lockstep/image-hosts'
const listeners = new Set<() => void>()
let hosts: ReadonlySet<string> = read()

function read(): ReadonlySet<string> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return new Set(Array.isArray(stored) ? stored.filter((host) => typeof host === 'string') : [])
  } catch {
    return new Set()
  }
}

export function allowImageHost(host: string): void {
  hosts = new Set([...hosts, host])
  try {
    localStorage.setItem(KEY, JSON.stringify([...hosts]))
  } catch {
    // It then holds until the page is closed.
  }
  for (const listener of listeners) listener()
}

export function useImageHosts(): ReadonlySet<string> {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => hosts,
  )
}
