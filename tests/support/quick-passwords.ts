/**
 * Root keys by password and passphrase, derived once a file: `vi.mock('@lockstep/crypto/derivation', quickPasswords)`. The function is the
 * real one; a test that signs in twenty times would else spend half a minute on it.
 */
import type * as derivation from '@lockstep/crypto/derivation'

export async function quickPasswords(original: () => Promise<unknown>): Promise<typeof derivation> {
  const real = (await original()) as typeof derivation
  const known = new Map<string, ReturnType<typeof real.deriveRootKey>>()
  return {
    ...real,
    deriveRootKey(input) {
      const key = JSON.stringify([input.suite, input.password, input.passphrase, [...(input.salt ?? [])]])
      const derived = known.get(key) ?? real.deriveRootKey(input)
      known.set(key, derived)
      return derived
    },
  }
}
