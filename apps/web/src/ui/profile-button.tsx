/** Above the spaces: whose they are, and the way to the other profiles. */
import { shownProfile, useProfiles } from '#local/profiles'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'

export function ProfileButton({ onClick }: { readonly onClick: () => void }) {
  const known = useProfiles()
  const name = known.find(({ id }) => id === shownProfile)?.name || t.app
  return (
    <button type="button" className="brand" aria-label={t.profiles.current(name)} title={t.profiles.title} onClick={onClick}>
      <span>{name}</span>
      <Icon name="next" />
    </button>
  )
}
