/** How a simulated device seals segments: for real, or by a checksum over key, content and place, which is quick. */

import { nodeCompression } from '@lockstep/engine/platform/node/compression'
import { createSealer, MissingEpochError, type Sealer, type SegmentPlace } from '@lockstep/engine/sealing'
import { concatBytes, encodeUtf8, equalBytes, FormatError } from '@lockstep/protocol/bytes'
import { Random } from '../support/random.ts'
import type { Keyring } from './keyring.ts'
import { sha256 } from './server.ts'

const CHECKSUM_BYTES = 16

function checksum({ keys }: Keyring, place: SegmentPlace, body: Uint8Array): Uint8Array {
  const key = keys.get(place.epoch)
  if (key === undefined) throw new MissingEpochError(place.epoch)
  const where = encodeUtf8(JSON.stringify([place.kind, place.epoch, [...place.replica], place.counter]))
  return sha256(concatBytes(key, where, body)).slice(0, CHECKSUM_BYTES)
}

/** Binds content to its place as the real one does; keeps nothing secret. */
export function plainSealer(keyring: Keyring): Sealer {
  return {
    get epoch() {
      return keyring.epoch
    },
    seal: async (place, body) => concatBytes(checksum(keyring, place, body), body),
    async open(place, sealed) {
      const body = sealed.slice(CHECKSUM_BYTES)
      if (!equalBytes(sealed.subarray(0, CHECKSUM_BYTES), checksum(keyring, place, body))) {
        throw new FormatError('malformed', 'the checksum does not fit the content and its place')
      }
      return body
    },
  }
}

/** Each seal draws its randomness from the seed when it begins, so that threads cannot change who gets which. */
export function realSealer({
  vaultId,
  keyring,
  random,
}: {
  readonly vaultId: Uint8Array
  readonly keyring: Keyring
  readonly random: Random
}): Sealer {
  const make = (own: Random) =>
    createSealer({ vaultId, vaultKeys: keyring.keys, compression: nodeCompression, random: (length) => own.bytes(length) })
  const opener = make(new Random(0))
  return {
    get epoch() {
      return keyring.epoch
    },
    seal: (place, body) => make(random.fork()).seal(place, body),
    open: (place, sealed) => {
      opener.add(keyring.keys)
      return opener.open(place, sealed)
    },
  }
}

/** Every call is a point at which the process may die, and work that the event loop waits for. */
export function sealerOf(
  inner: Sealer,
  on: { readonly wait: (work: 'seal' | 'open') => Promise<void>; readonly outside: <T>(work: Promise<T>) => Promise<T> },
): Sealer {
  return {
    get epoch() {
      return inner.epoch
    },
    async seal(place, body) {
      const sealed = await on.outside(inner.seal(place, body))
      await on.wait('seal')
      return sealed
    },
    async open(place, sealed) {
      const body = await on.outside(inner.open(place, sealed))
      await on.wait('open')
      return body
    },
  }
}
