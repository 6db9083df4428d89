/** A space's name and picture. */
import { type FormEvent, useId, useState } from 'react'
import type { HostClient } from '#host/methods'
import { t } from '#strings/strings'
import { avatarSigns } from '#text/avatar-signs'
import { failureText } from '#text/failure-text'
import { Avatar } from '#ui/avatar'
import { Dialog } from '#ui/dialog'
import { useVault } from '#ui/vault'

export type Space = Awaited<ReturnType<HostClient['spaces']>>[number]

interface SpaceDialogProps {
  readonly space: Space
  readonly onDelete: () => void
  readonly onClose: () => void
}

export function SpaceDialog({ space, onDelete, onClose }: SpaceDialogProps) {
  const vault = useVault()
  const [name, setName] = useState(space.name)
  const [avatar, setAvatar] = useState(space.avatar ?? '')
  const [error, setError] = useState<string>()
  const errorId = useId()

  async function save(event: FormEvent): Promise<void> {
    event.preventDefault()
    try {
      await vault.editSpace(space.id, { name, avatar: avatarSigns(avatar) || null, now: Date.now() })
      onClose()
    } catch (failure) {
      setError(failureText(failure))
    }
  }
  return (
    <Dialog title={t.editSpace} onClose={onClose}>
      <form onSubmit={(event) => void save(event)} aria-describedby={errorId}>
        <label>
          {t.spaceName}
          <input data-first required value={name} onChange={({ target }) => setName(target.value)} />
        </label>
        <div className="row avatar-row">
          <Avatar name={name} avatar={avatarSigns(avatar) || null} />
          <label>
            {t.avatar}
            <input value={avatar} placeholder={t.avatarHint} onChange={({ target }) => setAvatar(target.value)} />
          </label>
        </div>
        <p className="hint">{t.notes(space.notes)}</p>
        <p className="error" role="alert" id={errorId}>
          {error}
        </p>
        <div className="row">
          <button type="submit" className="primary">
            {t.save}
          </button>
          <button type="button" className="danger" onClick={onDelete}>
            {t.deleteSpace}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
