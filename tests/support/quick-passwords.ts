/**
 * Root keys by password, passphrase and salt, derived once a file: `vi.mock('@lockstep/crypto/derivation', quickPasswords)`. The function
 * is the real one; a test that signs in twenty times would else spend half a minute on it. With `anySalt` the first salt that a password
 * comes with stands for all: for tests of who may guess, where no key is looked at.
 */
import type * as derivation from '@lockstep/crypto/derivation'

export async function quickPasswords(
  original: () => Promise<unknown>,
  { anySalt = false }: { readonly anySalt?: boolean } = {},
): Promise<typeof derivation> {
  const real = (await original()) as typeof derivation
  const known = new Map<string, ReturnType<typeof real.deriveRootKey>>()
  return {
    ...real,
    deriveRootKey(input) {
      const key = JSON.stringify([input.suite, input.password, input.passphrase, anySalt ? [] : [...(input.salt ?? [])]])
      const derived = known.get(key) ?? real.deriveRootKey(input)
      known.set(key, derived)
      return derived
    },
  }
}
