/** Showing another profile: the page is loaded anew with it, once everything typed in this one is stored. */
import { type Invitation, invitationHash } from '#account/invitation'
import { keepGivenName } from '#local/given-name'
import { addProfile, showNext } from '#local/profiles'
import { openTexts } from '#text/open-texts'
import { newId } from '#vault/ids'

/**
 * @param hash what is to stand behind the address: what is there now is a place in the profile that is left
 * @returns false where something typed cannot be stored: nothing happened then
 */
async function leaveFor(id: () => string, hash = ''): Promise<boolean> {
  // What is typed from here on would be lost.
  document.body.inert = true
  if (!(await openTexts.stored())) {
    document.body.inert = false
    return false
  }
  showNext(id())
  history.replaceState(null, '', `${location.pathname}${location.search}${hash}`)
  location.reload()
  return true
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
