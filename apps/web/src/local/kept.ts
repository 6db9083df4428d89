/** What this browser keeps beside the vault of the profile that is shown. */
import { shownProfile } from '#local/profiles'
import { createShelf } from '#local/shelf'

export const kept = createShelf(`lockstep/${shownProfile}/`)
