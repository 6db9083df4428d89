/**
 * A link that another device signs in with, as its camera reads it from the recovery sheet: `https://server/#join?vault=…&passphrase=…`.
 *
 * What is behind the `#` goes to no server. It has the passphrase, so it leaves the address bar before anything else happens, and is
 * kept in this page's memory alone, until somebody has signed in or does not want to. The password is never in it.
 */
import { useSyncExternalStore } from 'react'

export interface Invitation {
  readonly vault: string
  readonly passphrase: string
}

const START = '#join?'

/** @param server base URL */
export function invitationLink(server: string, { vault, passphrase }: Invitation): string {
  return `${server.replace(/\/+$/, '')}/${START}${new URLSearchParams({ vault, passphrase })}`
}

/** From what is behind the `#` of an address, with it; undefined where it is no invitation, or not a whole one. */
export function readInvitation(hash: string): Invitation | undefined {
  if (!hash.startsWith(START)) return undefined
  const given = new URLSearchParams(hash.slice(START.length))
  const [vault, passphrase] = [given.get('vault') ?? '', given.get('passphrase') ?? '']
  return vault === '' || passphrase === '' ? undefined : { vault, passphrase }
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
