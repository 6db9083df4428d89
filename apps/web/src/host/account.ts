/** What an account needs and nothing else does: loaded with the device. */
import type { Device } from '@lockstep/engine/device'
import { EngineError } from '@lockstep/engine/errors'
import { gated, type ReadPass, readPass } from '@lockstep/engine/gate'
import { deviceIn } from '@lockstep/engine/platform/browser/device'
import type { BrowserHome } from '@lockstep/engine/platform/browser/home'
import { browserHttp } from '@lockstep/engine/platform/browser/http'
import { Remote, serverUrl } from '@lockstep/engine/remote'
import type { PasswordChange, RemovalProof } from '@lockstep/engine/sign-in'
import {
  listPublications,
  type Publication,
  publishDiff as publish,
  removeFromServer as remove,
  unpublish as takeBack,
} from '@lockstep/model/publications'
import type { LockstepVault, Tables } from '@lockstep/model/schema'
import { printShareLink } from '@lockstep/protocol/share'
import type { TabSignIn } from '#host/account-methods'
import type { ShownPublication } from '#host/publishing-methods'

export const openDevice = (home: BrowserHome<Tables>): Promise<Device<Tables>> => deviceIn(home)

function isSame({ profile }: Device<Tables>, request: TabSignIn): boolean {
  return profile.signedIn && profile.vault === request.vault && profile.server === serverUrl(request.server)
}

export async function signIn(device: Device<Tables>, request: TabSignIn): Promise<void> {
  try {
    await device.signIn(request)
  } catch (error) {
    // Asked again after the first time was done, its answer lost with the tab that led then.
    if (!(error instanceof EngineError && error.code === 'already-signed-in' && isSame(device, request))) throw error
  }
}

export async function changePassword(device: Device<Tables>, change: PasswordChange): Promise<{ readonly repaired: boolean }> {
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

export async function removeFromServer(device: Device<Tables>, proof: RemovalProof): Promise<void> {
  try {
    await remove(device, proof)
  } catch (error) {
    // Asked again after the first time was done.
    if (device.profile.signedIn || device.status().state !== 'not-on-server') throw error
  }
}

const shown = ({ server, key, ...publication }: Publication): ShownPublication => ({
  ...publication,
  link: printShareLink({ server, id: publication.id, key }),
})

export const publications = (vault: LockstepVault): ShownPublication[] => listPublications(vault).map(shown)

export async function publishDiff(
  device: Device<Tables>,
  asked: { readonly diff: string; readonly now: number },
): Promise<ShownPublication> {
  return shown(await publish(device.vault, device.sharing, asked))
}

export async function unpublish(device: Device<Tables>, id: string): Promise<void> {
  if (listPublications(device.vault).some((publication) => publication.id === id)) await takeBack(device.vault, device.sharing, id)
}

/** Undefined for what is no token. */
export function readGateToken(accessToken: string): ReadPass | undefined {
  try {
    return readPass({ accessToken })
  } catch (error) {
    if (error instanceof EngineError) return undefined
    throw error
  }
}

/** What a server says of itself to everybody. @throws EngineError `offline`, `gate-refused`, `server-refused` */
export function serverInfo(address: string) {
  const server = serverUrl(address)
  const { http } = gated({ http: browserHttp, server, pass: undefined, now: Date.now })
  return new Remote({ server, http }).serverInfo()
}
