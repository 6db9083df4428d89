/** The name that a person gave to a profile before there was a vault to write it in: written there when the profile is first opened. */
import { kept, keptOf } from '#local/kept'

const NAME = 'given-name'

export const keepGivenName = (profile: string, name: string): void => keptOf(profile).keep(NAME, name)

/** Of the profile that is shown; undefined where it is in its vault. */
export const readGivenName = (): string | undefined => kept.read(NAME)

export const forgetGivenName = (): void => kept.keep(NAME, undefined)
