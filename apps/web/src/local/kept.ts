/** What this browser keeps beside the vaults of its profiles. */
import { shownProfile } from '#local/profiles'
import { createShelf, type Shelf } from '#local/shelf'

export const keptOf = (profile: string): Shelf => createShelf(`lockstep/${profile}/`)

/** Of the profile that is shown. */
export const kept = keptOf(shownProfile)
