/**
 * A link that another device signs in with, as its camera reads it: `https://server/#join?vault=…&passphrase=…`.
 *
 * What is behind the `#` goes to no server. It may have the passphrase, so it leaves the address bar before anything else happens, and
 * is kept in this page's memory alone, until somebody has signed in or does not want to. The password is never in it.
 */
import { useSyncExternalStore } from 'react'

/** With nothing in it: to some vault, which the person knows. */
export interface Invitation {
  readonly vault?: string | undefined
  /** Absent where the vault has none, or the person brings it. */
  readonly passphrase?: string | undefined
}

const START = '#join?'

/** What is behind an address, with its `#`. */
export function invitationHash({ vault, passphrase }: Invitation): string {
  const given = Object.entries({ vault, passphrase }).filter((part): part is [string, string] => part[1] !== undefined)
  return START + new URLSearchParams(given)
}

/** @param server base URL */
export const invitationLink = (server: string, invitation: Invitation): string =>
  `${server.replace(/\/+$/, '')}/${invitationHash(invitation)}`

/** From what is behind the `#` of an address, with it; undefined where it is no invitation. */
export function readInvitation(hash: string): Invitation | undefined {
  if (!hash.startsWith(START)) return undefined
  const given = new URLSearchParams(hash.slice(START.length))
  return { vault: given.get('vault') || undefined, passphrase: given.get('passphrase') || undefined }
}

let held: Invitation | undefined
const listeners = new Set<() => void>()

function hold(next: Invitation | undefined): void {
  held = next
  for (const listener of listeners) listener()
}

/** Takes one out of the address bar, now and whenever a link is opened in this page. */
export function takeInvitations(): void {
  const take = () => {
    const { hash, pathname, search } = location
    if (!hash.startsWith(START)) return
    history.replaceState(null, '', pathname + search)
    hold(readInvitation(hash))
  }
  take()
  // Heard before whoever follows the address sees it; `hashchange` comes later.
  addEventListener('popstate', take)
  addEventListener('hashchange', take)
}

/** For React: the one that somebody came with. */
export function useInvitation(): Invitation | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => held,
  )
}

export const forgetInvitation = (): void => hold(undefined)
