/** Spaces at the left, below them the other places, and at the bottom the state of it all, in words; the version opens the app's info. */

import { type FormEvent, type RefObject, useState } from 'react'
import { locale } from '#local/language'
import type { Place } from '#places/place'
import { t } from '#strings/strings'
import { failureText } from '#text/failure-text'
import { Avatar } from '#ui/avatar'
import { Icon } from '#ui/icons'
import { ProfileButton } from '#ui/profile-button'
import { SidebarPlaces } from '#ui/sidebar-places'
import { StateLine } from '#ui/state-line'
import type { Go } from '#ui/use-place'
import { useAnswer, useVault } from '#ui/vault'
import { newId } from '#vault/ids'

interface NewSpaceProps {
  readonly onMade: (id: string) => void
  readonly onDone: () => void
}

function NewSpace({ onMade, onDone }: NewSpaceProps) {
  const vault = useVault()
  const [name, setName] = useState('')
  const [error, setError] = useState<string>()

  async function add(event: FormEvent): Promise<void> {
    event.preventDefault()
    try {
      onMade(await vault.addSpace({ id: newId(), name, now: Date.now() }))
      onDone()
    } catch (failure) {
      setError(failureText(failure))
    }
  }
  return (
    <form className="new-space" onSubmit={(event) => void add(event)}>
      <input
        // biome-ignore lint/a11y/noAutofocus: it was asked for just now
        autoFocus
        value={name}
        aria-label={t.spaceName}
        placeholder={t.spaceName}
        aria-invalid={error !== undefined}
        onChange={({ target }) => setName(target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          // It is for the field alone: the drawer stays.
          event.preventDefault()
          event.stopPropagation()
          onDone()
        }}
      />
      {error !== undefined && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
    </form>
  )
}

interface SidebarProps {
  readonly element: RefObject<HTMLElement | null>
  /** Somebody wants to make a space. */
  readonly adding: boolean
  readonly onAdding: (adding: boolean) => void
  /** The one whose notes are shown. */
  readonly space: string | undefined
  readonly place: Place
  readonly onSelect: (id: string) => void
  readonly onGo: Go
  readonly onProfiles: () => void
  readonly onAppInfo: () => void
  readonly onTrash: () => void
}

export function Sidebar({
  element,
  adding,
  onAdding,
  space: current,
  place,
  onSelect,
  onGo,
  onProfiles,
  onAppInfo,
  onTrash,
}: SidebarProps) {
  const vault = useVault()
  const { value: spaces = [] } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  return (
    <nav className="sidebar" aria-label={t.spaces} ref={element}>
      <header>
        <ProfileButton onClick={onProfiles} />
        <button type="button" className="icon-button" aria-label={t.newSpace} title={t.newSpace} onClick={() => onAdding(true)}>
          <Icon name="plus" />
        </button>
      </header>
      {adding && <NewSpace onMade={onSelect} onDone={() => onAdding(false)} />}
      <ul>
        {spaces.map((space) => (
          <li key={space.id}>
            <button
              type="button"
              className="space"
              aria-current={space.id === current ? 'page' : undefined}
              title={space.deleted ? t.deletedSpace : undefined}
              onClick={() => onSelect(space.id)}
            >
              <Avatar name={space.name} avatar={space.avatar} />
              <span className={space.deleted ? 'name deleted' : 'name'}>{space.name}</span>
              <span className="count">
                <span aria-hidden="true">{space.notes.toLocaleString(locale)}</span>
                <span className="sr-only">{t.notes(space.notes)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <SidebarPlaces place={place} onGo={onGo} />
      <footer>
        <button type="button" className="link" onClick={onTrash}>
          <Icon name="trash" /> {t.trash.title}
        </button>
        <StateLine onClick={onAppInfo} />
      </footer>
    </nav>
  )
}
