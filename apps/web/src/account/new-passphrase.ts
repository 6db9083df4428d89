/** A passphrase made here, from the browser's own randomness. */
import { generatePassphrase } from '@lockstep/crypto/passphrase'

export const newPassphrase = (): string => generatePassphrase((length) => crypto.getRandomValues(new Uint8Array(length)))
