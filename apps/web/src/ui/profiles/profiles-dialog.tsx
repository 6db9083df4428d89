/** The profiles of this browser: which there are and how each stands, going to another one, making one, bringing one from a server. */
import { type FormEvent, useState } from 'react'
import { FIRST_PROFILE, type KnownProfile, shownProfile, useProfiles } from '#local/profiles'
import { importProfile, makeProfile, switchProfile } from '#profiles/switch-profile'
import { t } from '#strings/strings'
import { Avatar } from '#ui/avatar'
import { Dialog } from '#ui/dialog'
import { stateText } from '#ui/state-line'

const nameOf = ({ id, name }: KnownProfile): string => name || (id === FIRST_PROFILE ? t.profiles.first : t.profiles.unnamed)

function newsOf({ news }: KnownProfile): string | undefined {
  return news && stateText({ ...news, offlineSince: undefined })
}

export function ProfilesDialog({ onClose }: { readonly onClose: () => void }) {
  const known = useProfiles()
  const [name, setName] = useState('')
  const [error, setError] = useState<string>()
  const p = t.profiles

  async function leave(going: Promise<boolean>): Promise<void> {
    if (!(await going)) setError(p.notStored)
  }
  function make(event: FormEvent): void {
    event.preventDefault()
    void leave(makeProfile(name.trim()))
  }
  return (
    <Dialog title={p.title} onClose={onClose}>
      <div className="profiles">
        <p className="help">{p.hint}</p>
        <ul>
          {known.map((profile) => {
            const isShown = profile.id === shownProfile
            return (
              <li key={profile.id}>
                <button
                  type="button"
                  className="space"
                  data-first={isShown ? true : undefined}
                  aria-current={isShown ? 'true' : undefined}
                  onClick={() => (isShown ? onClose() : void leave(switchProfile(profile.id)))}
                >
                  <Avatar name={nameOf(profile)} avatar={null} />
                  <span className="name">
                    {nameOf(profile)}
                    <small className={`state state-${profile.news?.state ?? 'local'}`}>{newsOf(profile) ?? t.state.local}</small>
                  </span>
                  {isShown && <span className="count">{p.shown}</span>}
                </button>
              </li>
            )
          })}
        </ul>
        <p className="error" role="alert">
          {error}
        </p>
        <form onSubmit={make}>
          <div className="beside">
            <label>
              {p.make}
              <input required value={name} placeholder={p.name} onChange={({ target }) => setName(target.value)} />
            </label>
            <button type="submit">{p.makeIt}</button>
          </div>
        </form>
        <nav className="ways" aria-label={p.import}>
          <button type="button" onClick={() => void leave(importProfile({}))}>
            <span>
              {p.import}
              <small>{p.importHint}</small>
            </span>
          </button>
        </nav>
      </div>
    </Dialog>
  )
}
