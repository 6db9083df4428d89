/** Deliberate bugs in how keys are changed and handed over (docs/protocol.md, section 1). */
import type { Bug } from './bugs.ts'

const REVOCATION = ['packages/engine/test/revocation.test.ts', 'packages/engine/test/rotation-forgeries.test.ts'] as const
const CREDENTIALS = ['packages/engine/test/credentials.test.ts'] as const

export const keyBugs: readonly Bug[] = [
  {
    name: 'keys: a rotation record is believed without its proof',
    file: 'packages/crypto/src/rotation.ts',
    search: 'if (!equalInConstantTime(proof, proofOf(place, vaultKey, claims)))',
    replace: 'if (proofOf(place, vaultKey, claims).length !== proof.length)',
    tests: REVOCATION,
  },
  {
    name: "keys: a grant does not depend on its author's key",
    file: 'packages/crypto/src/grant.ts',
    search: 'sharedSecret(recipient.keys.privateKey, authorKey),',
    replace: 'sharedSecret(recipient.keys.privateKey, grant.ephemeralKey),',
    tests: ['packages/crypto/test/rotation.test.ts'],
    titles: 'second implementation',
  },
  {
    name: "keys: a key in another device's place counts as its own",
    file: 'packages/engine/src/device-keys.ts',
    search: 'if (toRowId(deviceIdOf(publicKey)) === id) keys.set(id, publicKey)',
    replace: 'keys.set(String(id), publicKey)',
    tests: REVOCATION,
  },
  {
    name: 'keys: the revoked device is handed the new key',
    file: 'packages/engine/src/revocation.ts',
    search: ' && !revoked.some((device) => equalBytes(device, id))',
    replace: '',
    tests: REVOCATION,
  },
  {
    name: 'keys: a record by a device that was revoked before is believed',
    file: 'packages/engine/src/rotations.ts',
    search: 'if (revokedDevices(identity.store).some((device) => equalBytes(device, author))) throw forged(identity, remote)',
    replace:
      'if (author.length !== 16 || revokedDevices(identity.store).some((device) => equalBytes(device, new Uint8Array(16)))) throw forged(identity, remote)',
    tests: REVOCATION,
  },
  {
    name: 'keys: an epoch is closed without the last counters',
    file: 'packages/engine/src/closings.ts',
    search: 'for (const { replica, counter } of rotation.closes) insert.run(epoch, toHex(replica), counter)',
    replace: 'for (const { replica, counter } of rotation.closes) insert.run(epoch, toHex(replica), counter + 1)',
    tests: REVOCATION,
  },
  {
    name: 'keys: a revocation does not get in step before each attempt',
    file: 'packages/engine/src/revocation.ts',
    search: '    await revoking.sync()\n',
    replace: '    if (attempt === 1) await revoking.sync()\n',
    tests: REVOCATION,
  },
  {
    name: 'keys: a passphrase is written down as the new one before the server has taken it',
    file: 'packages/engine/src/credentials.ts',
    search: 'await identity.changeProfile({ change })\n',
    replace: 'await identity.changeProfile({ change, passphrase: change.passphrase })\n',
    tests: CREDENTIALS,
  },
  {
    name: 'keys: a server that was rolled back is not given the epochs that it lacks',
    file: 'packages/engine/src/credentials.ts',
    search: 'epochs: joinEpochs(identity.vaultKeys, opened)',
    replace: 'epochs: opened.size > 0 ? opened : joinEpochs(identity.vaultKeys, opened)',
    tests: CREDENTIALS,
  },
  {
    name: 'keys: a vault that moves takes its old token along',
    file: 'packages/engine/src/account.ts',
    search: 'if (elsewhere) await identity.changeProfile({ move: { server: remote.server, vault: request.vault, passphrase } })',
    replace: 'if (elsewhere) await this.#remember(request, passphrase)',
    tests: CREDENTIALS,
  },
]
