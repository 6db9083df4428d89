/** What can be done with a note, from its buttons, its menu and its keys. */
import { useMemo } from 'react'
import type { ShownNote } from '#host/note-methods'
import { t } from '#strings/strings'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

export interface NoteActions {
  copy(note: ShownNote): void
  togglePin(note: ShownNote): void
  /** With an undo in a notice. */
  remove(note: ShownNote): void
}

export function useNoteActions(): NoteActions {
  const vault = useVault()
  const toast = useToast()
  return useMemo(() => {
    const attempt = (work: Promise<void>) => void work.catch((error: Error) => toast({ text: error.message }))
    return {
      copy: ({ text }) => attempt(navigator.clipboard.writeText(text).then(() => toast({ text: t.copied }))),
      togglePin: ({ id, pinned }) => attempt(vault.editNote(id, { pinned: !pinned, now: Date.now() }).then(() => {})),
      remove: ({ id }) =>
        attempt(
          vault.removeNote(id).then(() => toast({ text: t.noteDeleted, undo: () => attempt(vault.restoreNote(id, Date.now())) })),
        ),
    }
  }, [vault, toast])
}
