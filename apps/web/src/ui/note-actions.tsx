/** What can be done with a note, from its buttons, its menu and its keys. */
import { useMemo } from 'react'
import type { ImageResize } from '#editor/image-handles'
import type { ShownNote } from '#host/note-methods'
import { t } from '#strings/strings'
import { openTexts } from '#text/open-texts'
import { useTellFailure, useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

export interface NoteActions {
  copy(note: ShownNote): void
  togglePin(note: ShownNote): void
  /** Writes the new size of one of its images into its text. */
  resizeImage(note: ShownNote, resize: ImageResize): void
  /** With an undo in a notice. */
  remove(note: ShownNote): void
}

export function useNoteActions(): NoteActions {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  return useMemo(() => {
    const attempt = (work: Promise<void>) => void work.catch(tellFailure)
    async function writeSize({ id, text }: ShownNote, index: number, size: ImageResize['size']): Promise<void> {
      const { resizeImage } = await import('#text/resize-image')
      const next = resizeImage(text, index, size)
      if (next === undefined) return toast({ text: t.image.cannot })
      await vault.editNote(id, { text: next, now: Date.now() })
    }
    return {
      copy: ({ text }) => attempt(navigator.clipboard.writeText(text).then(() => toast({ text: t.copied }))),
      togglePin: ({ id, pinned }) => attempt(vault.editNote(id, { pinned: !pinned, now: Date.now() }).then(() => {})),
      resizeImage: (note, { index, size }) => attempt(writeSize(note, index, size)),
      remove: ({ id }) =>
        attempt(
          // What was typed into it last, stored after the delete, would bring it back.
          openTexts
            .stored()
            .then(() => vault.removeNote(id))
            .then(() => toast({ text: t.noteDeleted, undo: () => attempt(vault.restoreNote(id, Date.now())) })),
        ),
    }
  }, [vault, toast, tellFailure])
}
