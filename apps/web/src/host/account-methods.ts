/** What a tab may ask about the account: signing in and out, syncing, devices, keys. */
import type { Device, DeviceStatus } from '@lockstep/engine/device'
import type { CodeRequest } from '@lockstep/engine/sharing'
import type { PasswordChange, RemovalProof, RevocationRequest, SignInRequest } from '@lockstep/engine/sign-in'
import type { SyncMode } from '@lockstep/engine/watch'
import { CODE_LIFETIME } from '@lockstep/protocol/limits'
import { accountPart } from '#host/account-part'
import type { WebHome } from '#host/home'
import type { Keeper } from '#host/keeper'

/** The passphrase of a new vault is made by the tab that asks, so that asking twice makes one. */
export type TabSignIn = Omit<SignInRequest, 'gate' | 'move'>

export interface AccountStatus extends DeviceStatus {
  readonly profile: Device['profile']
}

export interface ShortCode {
  readonly code: string
  /** Milliseconds. */
  readonly validFor: number
}

/** As the device would say it. */
function statusWithout({ vault }: WebHome): AccountStatus {
  return {
    state: 'local',
    pending: vault.pending(),
    lastSyncedAt: undefined,
    offlineSince: undefined,
    server: undefined,
    vault: undefined,
    deviceName: undefined,
    problems: vault.problems(),
    profile: { signedIn: false },
  }
}

export function accountMethods(home: WebHome, keeper: Keeper) {
  return {
    async status(): Promise<AccountStatus> {
      if (!home.hasDevice) return statusWithout(home)
      const device = await home.device()
      return { ...device.status(), profile: device.profile }
    },
    activity: () => keeper.activity,
    /** What a server says of itself to everybody. @throws EngineError `offline`, `gate-refused`, `server-refused` */
    serverInfo: async (address: string) => (await accountPart()).serverInfo(address),
    /** What a token of the gate says of itself; undefined for what is none. */
    readGateToken: async (accessToken: string) => (await accountPart()).readGateToken(accessToken),
    /** From then on the vault keeps in step by itself, as the mode says. */
    async signIn(request: TabSignIn): Promise<void> {
      await (await accountPart()).signIn(await home.device(), request)
      await keeper.resume()
    },
    watch: (mode: SyncMode) => keeper.watch(mode),
    focused: () => keeper.focused(),
    online: () => keeper.online(),
    sync: () => keeper.sync(),
    devices: async () => (await home.device()).listDevices(),
    changePassword: async (change: PasswordChange) => (await accountPart()).changePassword(await home.device(), change),
    /** With a new passphrase it is the tab that makes it, as above. */
    revokeDevice: async (request: Omit<RevocationRequest, 'generatePassphrase'>) => (await home.device()).revokeDevice(request),
    /** Asked again it makes another one: the first runs out unused. */
    createCode: async (): Promise<ShortCode> => {
      const { code } = await (await home.device()).sharing.createCode()
      return { code, validFor: CODE_LIFETIME }
    },
    /** A code works once: asked again after it was used it is unknown, and the person asks for another one. */
    takeCode: async (request: Omit<CodeRequest, 'gate'>) => (await home.device()).sharing.takeCode(request),
    /** Where it was refused, what kept the vault in step goes on. */
    async removeFromServer(proof: RemovalProof): Promise<void> {
      const { removeFromServer } = await accountPart()
      await keeper.pause()
      try {
        await removeFromServer(await home.device(), proof)
      } finally {
        await keeper.resume()
      }
    },
    async signOut() {
      await keeper.pause()
      return (await home.device()).signOut({ wipe: false })
    },
    /** Signs out and removes all that this browser holds. The device is gone afterwards: every tab has to begin anew. */
    async wipe(): Promise<void> {
      await keeper.pause()
      await (await home.device()).signOut({ wipe: true })
    },
    examine: async () => (await home.device()).examine(),
  }
}
