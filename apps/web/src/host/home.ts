/**
 * What the host has: the vault, at once; and the device around it with all that an account needs, which is loaded when somebody has
 * an account or wants one. Most first visits never need it.
 */
import type { Device } from '@lockstep/engine/device'
import type { BrowserHome } from '@lockstep/engine/platform/browser/home'
import type { LockstepVault, Tables } from '@lockstep/model/schema'
import { accountPart } from '#host/account-part'

export type WebDevice = Device<Tables>

export interface WebHome {
  readonly vault: LockstepVault
  /** There may be an account: only the device knows. */
  readonly hasDevice: boolean
  /** Loaded and opened by the first who asks. @throws an error of code `part-missing`; EngineError */
  device(): Promise<WebDevice>
}

export function webHome(home: BrowserHome<Tables>): WebHome {
  let opening: Promise<WebDevice> | undefined
  const open = async () => {
    const { openDevice } = await accountPart()
    return openDevice(home)
  }
  const made: WebHome = {
    vault: home.vault,
    get hasDevice() {
      return home.inhabited || opening !== undefined
    },
    device() {
      opening ??= open().catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    },
  }
  // Its keys and session, and with them the vault's state, are asked for at once.
  if (home.inhabited) made.device().catch(() => {})
  return made
}
