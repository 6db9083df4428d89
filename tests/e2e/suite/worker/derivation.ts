/** `@lockstep/crypto/derivation` as Node's tests of devices replace it. Tests of the derivation itself import the file beside them. */
import * as real from 'virtual:real-derivation'
import { quickPasswords } from '../../../support/quick-passwords.ts'

export * from 'virtual:real-derivation'

export const { deriveRootKey } = await quickPasswords(async () => real)
