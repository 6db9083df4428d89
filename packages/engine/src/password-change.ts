/** Changing the password, the passphrase, or both [KEY-3]; also how a rolled back server gets its key bundle back [KEY-4]. */
import { deriveAuthKey } from '@lockstep/crypto/hierarchy'
import { deriveRoot, nextBundleVersion, type Root, sealFor, submitChange, unlock } from '#credentials'
import { EngineError } from '#errors'
import type { Identity } from '#identity'
import type { Remote } from '#remote'
import { ServerProblem } from '#server-problem'
import type { PasswordChange } from '#sign-in'

/** Somebody else's change that leaves the password as it is (a repair, a revocation) is no reason to give up. */
const MAX_ATTEMPTS = 4

export interface PasswordChangeResult {
  /** The server had an older key bundle than this device had seen; it has all keys again. */
  readonly repaired: boolean
}

/** @throws EngineError `wrong-credentials`, `conflict`, `server-diverged`, `needs-password`, `offline` */
export async function changePassword(
  { identity, remote, token }: { readonly identity: Identity; readonly remote: Remote; readonly token: string },
  { currentPassword, currentPassphrase, newPassword, newPassphrase }: PasswordChange,
): Promise<PasswordChangeResult> {
  const vaultId = identity.vaultId()
  const name = identity.profile.vault ?? ''
  let root: Root | undefined
  for (let attempt = 1; ; attempt++) {
    const now = await unlock({ identity, remote, token, password: currentPassword, passphrase: currentPassphrase })
    root ??= await newRoot(identity, now.root, newPassword, newPassphrase)
    const version = nextBundleVersion(identity, now.credentials)
    const sealed = await sealFor(identity, root, { version, epochs: now.epochs, vaultId, name })
    const change = {
      ...sealed,
      currentAuthKey: deriveAuthKey(now.root.key, vaultId),
      replaces: now.credentials.bundle.version,
    }
    try {
      await submitChange({
        identity,
        remote,
        token,
        root,
        bundle: change.bundle,
        send: () => remote.changeCredentials(token, change),
      })
      await identity.addKeys(now.epochs)
      return { repaired: now.rolledBack }
    } catch (error) {
      const problem = error instanceof ServerProblem ? error.problem : undefined
      if (problem === 'bundle-conflict' && attempt < MAX_ATTEMPTS) continue
      // A moment ago this session and this password were good.
      if (problem === 'unauthorized' || problem === 'wrong-credentials') {
        if (problem === 'unauthorized') await identity.dropSession()
        throw new EngineError(
          'conflict',
          'another device changed the password at the same moment, so this change was not made: sign in with the new password',
          { cause: error },
        )
      }
      if (problem === 'bundle-conflict') {
        throw new EngineError('conflict', "other devices keep changing the vault's keys: try again in a minute", { cause: error })
      }
      throw error
    }
  }
}

/** What opens the vault from now on; the passphrase stays where no other one is given. */
export async function newRoot(
  identity: Identity,
  current: Root,
  newPassword: string,
  newPassphrase: string | undefined,
): Promise<Root> {
  if (current.passphrase === undefined && newPassphrase !== undefined) {
    throw new EngineError('bad-value', 'this vault has no passphrase, and cannot get one')
  }
  const salt = identity.store.runtime.random(16)
  return deriveRoot({ password: newPassword, passphrase: newPassphrase ?? current.passphrase, salt })
}
