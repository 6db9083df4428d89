/** Where a note goes: the other spaces, one button each. A menu inside a menu would close under a finger. */
import { t } from '#strings/strings'
import { Avatar } from '#ui/avatar'
import { Dialog } from '#ui/dialog'
import { useTellFailure, useToast } from '#ui/toasts'
import { useAnswer, useVault } from '#ui/vault'

interface MoveDialogProps {
  readonly id: string
  /** The space that it is in. */
  readonly from: string | null
  readonly onClose: () => void
}

export function MoveDialog({ id, from, onClose }: MoveDialogProps) {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const { value: spaces } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const others = spaces?.filter((space) => space.id !== from && !space.deleted) ?? []

  async function move(space: string, name: string): Promise<void> {
    try {
      await vault.moveNote(id, space, Date.now())
      const undo = from !== null && { undo: () => void vault.moveNote(id, from, Date.now()).catch(tellFailure) }
      toast({ text: t.noteMoved(name), ...undo })
      onClose()
    } catch (failure) {
      tellFailure(failure)
    }
  }
  return (
    <Dialog title={t.moveTo} onClose={onClose}>
      {spaces !== undefined && others.length === 0 && <p>{t.noOtherSpace}</p>}
      <ul className="entries">
        {others.map((space) => (
          <li key={space.id}>
            <button type="button" className="space" onClick={() => void move(space.id, space.name)}>
              <Avatar name={space.name} avatar={space.avatar} />
              <span className="name">{space.name}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
