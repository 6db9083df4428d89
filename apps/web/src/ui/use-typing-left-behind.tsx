/** What was typed into notes in tabs that were closed before it was stored. */
import { useEffect } from 'react'
import { HostError } from '#link/messages'
import { handOverTyping } from '#local/unsaved-typing'
import { t } from '#strings/strings'
import { useTellFailure, useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

/** Trying again will not help: the note is gone for good, or was full. */
const FINAL: ReadonlySet<string | undefined> = new Set(['no-such-row', 'value-too-large', 'bad-value'])

/** Stores it, once, when the page is opened. */
export function useTypingLeftBehind(): void {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page is opened
  useEffect(() => {
    handOverTyping(async (typing) => {
      try {
        await vault.typeText(typing)
      } catch (failure) {
        if (!(failure instanceof HostError) || !FINAL.has(failure.code)) throw failure
        if (failure.code === 'no-such-row') toast({ text: t.typedIntoGone })
        else tellFailure(failure)
      }
    }).catch(tellFailure)
  }, [])
}
