/** Whether the person still has to show that they have their recovery sheet: asked once, at sign-up, and recalled in App info. */
import { kept } from '#local/kept'

const NAME = 'recovery-unproven'

export const isRecoveryUnproven = (): boolean => kept.read(NAME) !== undefined

export const setRecoveryUnproven = (unproven: boolean): void => kept.keep(NAME, unproven ? 'yes' : undefined)
