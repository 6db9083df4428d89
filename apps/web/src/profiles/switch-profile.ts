/** Showing another profile: the page is loaded anew with it, once everything typed in this one is stored. */
import { type Invitation, invitationHash } from '#account/invitation'
import { keepGivenName } from '#local/given-name'
import { addProfile, showNext } from '#local/profiles'
import { leavePage } from '#updates/leave-page'
import { newId } from '#vault/ids'

/** @param hash what is to stand behind the address: what is there now is a place in the profile that is left */
function leaveFor(id: () => string, hash = ''): Promise<boolean> {
  return leavePage(() => {
    showNext(id())
    history.replaceState(null, '', `${location.pathname}${location.search}${hash}`)
    location.reload()
  })
}

export const switchProfile = (id: string): Promise<boolean> => leaveFor(() => id)

/** An empty one. */
export function makeProfile(name: string): Promise<boolean> {
  return leaveFor(() => {
    const id = newId()
    addProfile(id, name)
    keepGivenName(id, name)
    return id
  })
}

/** One for a vault that is on a server: the page begins with signing in to it. */
export function importProfile(invitation: Invitation): Promise<boolean> {
  return leaveFor(() => {
    const id = newId()
    addProfile(id, '')
    return id
  }, invitationHash(invitation))
}
