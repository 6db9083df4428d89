/** Notes on their way into the vault, also those that a closed tab left behind. */
import { noteTitle } from '@lockstep/model/note-title'
import { useEffect } from 'react'
import { askToPersist } from '#local/persistence'
import { forgetUnsaved, keepUnsaved, type UnsavedNote, unsavedNotes } from '#local/unsaved'
import { t } from '#strings/strings'
import { useTellFailure } from '#ui/toasts'
import { useVault } from '#ui/vault'
import { newId } from '#vault/ids'

/** A vault that has no space yet gets this one with its first note. */
export const FIRST_SPACE = 'first'

/** @returns saves a new note in a space, and is done when it is stored */
export function useNewNotes(): (space: string, text: string) => Promise<void> {
  const vault = useVault()
  const tellFailure = useTellFailure()

  /** Where there are others without it, the one that is shown: the note was written before anybody knew. */
  async function firstSpace(now: number): Promise<string> {
    const alive = (await vault.spaces()).filter(({ deleted }) => !deleted)
    const shown = alive.find(({ id }) => id === FIRST_SPACE) ?? alive[0]
    return shown?.id ?? (await vault.addSpace({ id: FIRST_SPACE, name: t.firstSpace, now }))
  }
  async function handOver(note: UnsavedNote): Promise<void> {
    await vault.addNote(note.space === FIRST_SPACE ? { ...note, space: await firstSpace(note.now) } : note)
    forgetUnsaved(note.id)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page is opened
  useEffect(() => {
    for (const note of unsavedNotes()) void handOver(note).catch(tellFailure)
  }, [])
  return async (space, text) => {
    const note = { id: newId(), space, title: noteTitle(text), text, now: Date.now() }
    keepUnsaved(note)
    try {
      await handOver(note)
    } catch (failure) {
      forgetUnsaved(note.id)
      throw failure
    }
    askToPersist()
  }
}
