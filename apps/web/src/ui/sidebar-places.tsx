/** Below the spaces: the diffs, with how many are unread, the stars, the profile. */
import { locale } from '#local/language'
import type { Place } from '#places/place'
import { t } from '#strings/strings'
import { Icon, type IconName } from '#ui/icons'
import { useDiffs } from '#ui/use-diffs'
import type { Go } from '#ui/use-place'

interface SidebarPlacesProps {
  readonly place: Place
  readonly onGo: Go
}

const PLACES = [
  { kind: 'diffs', icon: 'digest' },
  { kind: 'stars', icon: 'star' },
  { kind: 'profile', icon: 'person' },
] as const satisfies readonly { readonly kind: Place['kind']; readonly icon: IconName }[]

export function SidebarPlaces({ place, onGo }: SidebarPlacesProps) {
  const unread = useDiffs()?.filter(({ readAt }) => readAt === 0).length ?? 0
  const current = place.kind === 'diff' ? 'diffs' : place.kind
  return (
    <ul className="places" aria-label={t.diffs.placesLabel}>
      {PLACES.map(({ kind, icon }) => (
        <li key={kind}>
          <button
            type="button"
            className="space"
            aria-current={kind === current ? 'page' : undefined}
            onClick={() => onGo({ kind })}
          >
            <Icon name={icon} />
            <span className="name">{t.diffs.places[kind]}</span>
            {kind === 'diffs' && unread > 0 && (
              <span className="count unread">
                <span aria-hidden="true">{unread.toLocaleString(locale)}</span>
                <span className="sr-only">{t.diffs.unread(unread)}</span>
              </span>
            )}
          </button>
        </li>
      ))}
    </ul>
  )
}
