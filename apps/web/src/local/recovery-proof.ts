/** Whether the person still has to show that they have their recovery sheet: asked once, at sign-up, and recalled in App info. */
const KEY = 'lockstep/recovery-unproven'

export function isRecoveryUnproven(): boolean {
  try {
    return localStorage.getItem(KEY) !== null
  } catch {
    return false
  }
}

export function setRecoveryUnproven(unproven: boolean): void {
  try {
    if (unproven) localStorage.setItem(KEY, 'yes')
    else localStorage.removeItem(KEY)
  } catch {
    // It is then asked once, and not recalled.
  }
}
