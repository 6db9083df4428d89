/** What a tab may ask about the account: signing in and out, syncing, devices, keys. */
import type { Device } from '@lockstep/engine/device'
import { EngineError } from '@lockstep/engine/errors'
import { gated } from '@lockstep/engine/gate'
import { browserHttp } from '@lockstep/engine/platform/browser/http'
import { Remote, serverUrl } from '@lockstep/engine/remote'
import type { PasswordChange, RevocationRequest, SignInRequest } from '@lockstep/engine/sign-in'
import type { SyncMode } from '@lockstep/engine/watch'
import type { Tables } from '@lockstep/model/schema'
import type { Keeper } from '#host/keeper'

/** The passphrase of a new vault is made by the tab that asks, so that asking twice makes one. */
export type TabSignIn = Omit<SignInRequest, 'gate' | 'move'>

function isSame({ profile }: Device<Tables>, request: TabSignIn): boolean {
  return profile.signedIn && profile.vault === request.vault && profile.server === serverUrl(request.server)
}

async function signIn(device: Device<Tables>, request: TabSignIn): Promise<void> {
  try {
    await device.signIn(request)
  } catch (error) {
    // Asked again after the first time was done, its answer lost with the tab that led then.
    if (!(error instanceof EngineError && error.code === 'already-signed-in' && isSame(device, request))) throw error
  }
}

async function changePassword(device: Device<Tables>, change: PasswordChange): Promise<{ readonly repaired: boolean }> {
  try {
    return await device.changePassword(change)
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'wrong-credentials')) throw error
    // Asked again after the first time was done: then the new one is what opens the vault. Nothing becomes another one by this.
    const { newPassword } = change
    return device.changePassword({ currentPassword: newPassword, newPassword }).catch(() => {
      throw error
    })
  }
}

export function accountMethods(device: Device<Tables>, keeper: Keeper) {
  return {
    status: () => ({ ...device.status(), profile: device.profile, deviceId: device.id }),
    activity: () => keeper.activity,
    /** What a server says of itself to everybody. @throws EngineError `offline`, `gate-refused`, `server-refused` */
    serverInfo: (address: string) => {
      const server = serverUrl(address)
      const { http } = gated({ http: browserHttp, server, pass: undefined, now: Date.now })
      return new Remote({ server, http }).serverInfo()
    },
    /** From then on the vault keeps in step by itself, as the mode says. */
    async signIn(request: TabSignIn): Promise<void> {
      await signIn(device, request)
      await keeper.resume()
    },
    watch: (mode: SyncMode) => keeper.watch(mode),
    focused: () => keeper.focused(),
    online: () => keeper.online(),
    sync: () => keeper.sync(),
    devices: () => device.listDevices(),
    changePassword: (change: PasswordChange) => changePassword(device, change),
    /** With a new passphrase it is the tab that makes it, as above. */
    revokeDevice: (request: Omit<RevocationRequest, 'generatePassphrase'>) => device.revokeDevice(request),
    async signOut() {
      await keeper.pause()
      return device.signOut({ wipe: false })
    },
    /** Signs out and removes all that this browser holds. The device is gone afterwards: every tab has to begin anew. */
    async wipe(): Promise<void> {
      await keeper.pause()
      await device.signOut({ wipe: true })
    },
    examine: () => device.examine(),
  }
}
