/** Whether the person still has to show that they have their recovery sheet: asked once, at sign-up, and recalled in App info. */
import { keep, readKept } from '#local/kept'

const NAME = 'recovery-unproven'

export const isRecoveryUnproven = (): boolean => readKept(NAME) !== undefined

export const setRecoveryUnproven = (unproven: boolean): void => keep(NAME, unproven ? 'yes' : undefined)
