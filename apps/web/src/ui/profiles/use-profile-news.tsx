/** Tells the list of profiles what this one is called and how it stands; and the vault, the name that it was made with. */
import { useEffect } from 'react'
import { forgetGivenName, readGivenName } from '#local/given-name'
import { learnOfProfile, shownProfile } from '#local/profiles'
import { useStatus } from '#ui/status'
import { useStorage } from '#ui/storage'
import { useAnswer, useVault } from '#ui/vault'

const DEFAULT_VAULT = 'main'

export function useProfileNews(): void {
  const vault = useVault()
  const isStored = useStorage() === 'browser'
  const { value: status } = useStatus()
  const { value: profile } = useAnswer({ key: 'profile', tables: ['profile', 'apiKeys'], ask: () => vault.profile() })
  const { state, pending, lastSyncedAt, profile: account } = status ?? {}
  // What every vault is called that nobody gave a name to says nothing.
  const name = profile?.name || (account?.vault === DEFAULT_VAULT ? undefined : account?.vault)
  useEffect(() => {
    if (!isStored || state === undefined || pending === undefined) return
    learnOfProfile(shownProfile, { news: { state, pending, lastSyncedAt } })
  }, [isStored, state, pending, lastSyncedAt])
  useEffect(() => {
    // Until it is in the vault, what it was made with is its name.
    if (isStored && name !== undefined && readGivenName() === undefined) learnOfProfile(shownProfile, { name })
  }, [isStored, name])
  useEffect(() => {
    const given = readGivenName()
    if (profile === undefined || given === undefined) return
    const written = profile.name === '' ? vault.editProfile({ name: given, now: Date.now() }) : Promise.resolve(false)
    // Where it cannot be written now, the next time.
    written.then(forgetGivenName, () => {})
  }, [vault, profile])
}
