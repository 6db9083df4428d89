/**
 * Shares [SHR-1]: one thing that anyone with its link can read. It is sealed with a key of its own, which stands in the link
 * behind the `#` and so is in no request; the server that hands it out knows its id and how large it is, about.
 *
 *     sealed = envelope(sealing key = the link's key, AAD = "lockstep/v1/share" ‖ id 16)
 *
 * The id in the AAD keeps a server from answering for one link with what another one leads to.
 */
import { type Bytes, checkLength, concat, utf8 } from '#bytes'
import { open, seal } from '#envelope'
import { CryptoError } from '#errors'
import type { RandomBytes } from '#random'

const SHARE_ID_BYTES = 16
const SHARE_LABEL = utf8('lockstep/v1/share')

function shareAad(id: Uint8Array): Bytes {
  checkLength(id, SHARE_ID_BYTES, "a share's id")
  return concat(SHARE_LABEL, id)
}

export interface ShareKeys {
  /** 16 random bytes. */
  readonly id: Uint8Array
  /** 32 random bytes, of this share alone. */
  readonly key: Uint8Array
}

export interface SealShareInput extends ShareKeys {
  readonly content: Uint8Array
  readonly random: RandomBytes
}

/** @throws CryptoError `bad-argument`, `unavailable`. */
export function sealShare({ id, key, content, random }: SealShareInput): Promise<Bytes> {
  return seal(key, shareAad(id), content, random)
}

/**
 * @throws CryptoError `bad-commitment`: the link's key is not the one it was sealed with. `bad-ciphertext`: it is, but the bytes were
 *   altered, or are those of another id. `truncated`, `unknown-version`, `bad-padding`, `bad-argument`, `unavailable`.
 */
export async function openShare({ id, key, sealed }: ShareKeys & { readonly sealed: Uint8Array }): Promise<Bytes> {
  return open(key, shareAad(id), sealed).catch((error: unknown) => {
    throw explain(error)
  })
}

/** The same code, in words for the person who follows a link. */
function explain(error: unknown): unknown {
  if (!(error instanceof CryptoError)) return error
  if (error.code === 'bad-commitment') {
    return new CryptoError('bad-commitment', 'what is published there does not open with the key of this link', { cause: error })
  }
  if (error.code === 'bad-ciphertext') {
    return new CryptoError('bad-ciphertext', 'what is published there is not what was published under this link', { cause: error })
  }
  return error
}
