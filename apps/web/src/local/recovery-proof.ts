/** Whether the person still has to show that they have their recovery sheet: asked once, at sign-up, and recalled in App info. */
import { kept } from '#local/kept'

const NAME = 'recovery-unproven'

export const isRecoveryUnproven = (): boolean => kept.read(NAME) !== undefined

export const setRecoveryUnproven = (unproven: boolean): void => kept.keep(NAME, unproven ? 'yes' : undefined)

/**
 * Makes a new sheet: whoever has shown an earlier one has to show this one, also where the tab goes before it hears that it is made.
 * @param make whether it worked: where it did not, all is as before
 */
export async function makeSheet(make: () => Promise<boolean>): Promise<boolean> {
  const before = isRecoveryUnproven()
  setRecoveryUnproven(true)
  const made = await make()
  if (!made) setRecoveryUnproven(before)
  return made
}
