/** Taking a vault off its server [VAULT-1]. What devices have of it stays where it is. */
import { deriveAuthKey } from '@lockstep/crypto/hierarchy'
import { drain, jsonBody, toWire } from '#answers'
import { unlock } from '#credentials'
import { EngineError } from '#errors'
import type { Identity } from '#identity'
import type { Remote } from '#remote'
import type { RemovalProof } from '#sign-in'

/**
 * Returns once the vault is removed, also where it was before: an earlier try whose answer was lost, or another device.
 * @throws EngineError `wrong-credentials`, `needs-password`, `too-many-attempts`, `vault-header-forged`, `offline`
 */
export async function removeVault(
  { identity, remote, token }: { readonly identity: Identity; readonly remote: Remote; readonly token: string },
  { password, passphrase }: RemovalProof,
): Promise<void> {
  try {
    const { root } = await unlock({ identity, remote, token, password, passphrase })
    const path = `/v1/vaults/${encodeURIComponent(identity.profile.vault ?? '')}`
    const currentAuthKey = deriveAuthKey(root.key, identity.vaultId())
    await drain(await remote.send({ method: 'DELETE', path, ...jsonBody(toWire({ currentAuthKey })) }, token))
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'vault-removed') throw error
  }
}
