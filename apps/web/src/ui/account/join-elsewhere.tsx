/** Somebody came with a link to a vault, and this profile has one: the other vault can be a profile of its own. */
import { useState } from 'react'
import { forgetInvitation, type Invitation } from '#account/invitation'
import { importProfile } from '#profiles/switch-profile'
import { t } from '#strings/strings'

export function JoinElsewhere({ invitation }: { readonly invitation: Invitation }) {
  const [error, setError] = useState<string>()
  const j = t.profiles.join

  async function join(): Promise<void> {
    if (!(await importProfile(invitation))) setError(t.profiles.notStored)
  }
  return (
    <div className="join-elsewhere">
      <h3>{j.title}</h3>
      <p>{j.hint}</p>
      <p className="error" role="alert">
        {error}
      </p>
      <div className="row">
        <button type="button" className="primary" onClick={() => void join()}>
          {j.submit}
        </button>
        <button type="button" onClick={forgetInvitation}>
          {j.not}
        </button>
      </div>
    </div>
  )
}
