/** Spaces at the left, and at the bottom the state of it all, in words; the version opens the app's info. */
import { type FormEvent, useState } from 'react'
import { t } from '#strings/strings'
import { Avatar } from '#ui/avatar'
import { Icon } from '#ui/icons'
import { StateLine } from '#ui/state-line'
import { useAnswer, useVault } from '#ui/vault'
import { newId } from '#vault/ids'

interface SidebarProps {
  readonly current: string | undefined
  readonly onSelect: (id: string) => void
  readonly onAppInfo: () => void
  readonly onTrash: () => void
}

export function Sidebar({ current, onSelect, onAppInfo, onTrash }: SidebarProps) {
  const vault = useVault()
  const { value: spaces = [] } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const [name, setName] = useState<string>()
  const [error, setError] = useState<string>()

  async function add(event: FormEvent): Promise<void> {
    event.preventDefault()
    try {
      onSelect(await vault.addSpace({ id: newId(), name: name ?? '', now: Date.now() }))
      setName(undefined)
      setError(undefined)
    } catch (failure) {
      setError((failure as Error).message)
    }
  }
  return (
    <nav className="sidebar" aria-label={t.spaces}>
      <header>
        <h1>{t.app}</h1>
        <button type="button" className="icon-button" aria-label={t.newSpace} title={t.newSpace} onClick={() => setName('')}>
          <Icon name="plus" />
        </button>
      </header>
      {name !== undefined && (
        <form className="new-space" onSubmit={(event) => void add(event)}>
          <input
            // biome-ignore lint/a11y/noAutofocus: it was asked for just now
            autoFocus
            value={name}
            aria-label={t.spaceName}
            placeholder={t.spaceName}
            aria-invalid={error !== undefined}
            onChange={({ target }) => setName(target.value)}
            onKeyDown={({ key }) => key === 'Escape' && setName(undefined)}
          />
          {error !== undefined && (
            <p className="error" role="alert">
              {error}
            </p>
          )}
        </form>
      )}
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
                <span aria-hidden="true">{space.notes.toLocaleString()}</span>
                <span className="sr-only">{t.notes(space.notes)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <footer>
        <button type="button" className="link" onClick={onTrash}>
          <Icon name="trash" /> {t.trash.title}
        </button>
        <StateLine onClick={onAppInfo} />
      </footer>
    </nav>
  )
}
