/**
 * An issuer's public keys, kept by this server.
 *
 * | when | what happens |
 * | --- | --- |
 * | nobody has asked yet | the first request waits for the keys; others that come meanwhile wait for the same answer |
 * | a token names an unknown key | the keys are fetched again and the token waits |
 * | the keys are 10 minutes old | they are fetched again beside the request, which does not wait |
 * | nobody has tried for an hour | the request waits: a key may have been withdrawn while the server was idle |
 * | the issuer does not answer | the last keys serve for 24 hours |
 *
 * Whatever asks for them, the keys are fetched at most once a minute, so tokens with made-up key ids cannot hammer the
 * issuer. 24 hours is how long a session at a gate usually lasts: an outage of the issuer locks nobody out who is in, and
 * whoever can keep this server from the issuer cannot keep a withdrawn key alive for ever.
 *
 * Of what the issuer publishes only public signature keys of known strength are taken: RSA of at least 2048 bits, EC P-256.
 * Anything else in the document, a shared secret or a key with its private half above all, is as if it were not there.
 */
import { importJWK } from 'jose'
import { z } from 'zod'
import { IssuerError } from '#auth/issuer-documents'

const MINUTE = 60_000
const REFETCH_MILLISECONDS = MINUTE
const FRESH_MILLISECONDS = 10 * MINUTE
const IDLE_MILLISECONDS = 60 * MINUTE
const KEEP_MILLISECONDS = 24 * 60 * MINUTE

const MIN_RSA_BITS = 2048
/** Verifying with a much larger key takes long enough to be a burden. */
const MAX_RSA_BITS = 8192
const MAX_KEYS = 100

export type SignatureAlgorithm = 'RS256' | 'PS256' | 'ES256'

const keySetSchema = z.object({ keys: z.array(z.unknown()).max(MAX_KEYS) })

const common = {
  kid: z.string().max(256).optional(),
  alg: z.string().optional(),
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((operations) => operations.includes('verify'))
    .optional(),
  /** A private key or a shared secret, published: whoever reads it signs with it. */
  d: z.undefined().optional(),
  k: z.undefined().optional(),
}
const publishedKeySchema = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string(), ...common }),
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), ...common }),
])
type PublishedKey = z.output<typeof publishedKeySchema>

interface TrustedKey {
  readonly kid: string | undefined
  readonly algorithm: SignatureAlgorithm
  readonly key: CryptoKey
  /** The published numbers: two keys with the same text are the same key. */
  readonly material: string
}

export type KeyAnswer =
  | { readonly key: CryptoKey /** As in {@link KeySet.generation}. */; readonly generation: number }
  /** The issuer was asked and has no such key. */
  | 'unknown'
  /** The issuer cannot be asked. */
  | 'unavailable'

export interface KeySet {
  /**
   * @param kid the key's id; undefined where the token names none, which only finds the one key that there is
   */
  find(kid: string | undefined, algorithm: SignatureAlgorithm): Promise<KeyAnswer>
  /** Changes whenever the keys do: what was verified before may no longer hold. Undefined without usable keys. */
  generation(): Promise<number | undefined>
}

export interface KeySetOptions {
  /** Fetches the JSON Web Key Set. @throws IssuerError */
  readonly load: () => Promise<unknown>
  readonly algorithms: readonly SignatureAlgorithm[]
  /** Unix milliseconds. */
  readonly clock: () => number
  /** Told why keys could not be fetched, at most once a minute. */
  readonly report: (trouble: string) => void
}

export function createKeySet({ load, algorithms, clock, report }: KeySetOptions): KeySet {
  let keys: readonly TrustedKey[] = []
  let generation = 0
  let loadedAt: number | undefined
  let triedAt: number | undefined
  let failed = false
  let loading: Promise<void> | undefined

  // A clock that was set back counts as time that went by: it must not stop the fetching.
  const since = (moment: number | undefined) => (moment === undefined ? Number.POSITIVE_INFINITY : Math.abs(clock() - moment))
  const usable = () => since(loadedAt) < KEEP_MILLISECONDS

  async function fetchKeys(): Promise<void> {
    triedAt = clock()
    try {
      const loaded = await readKeySet(await load(), algorithms)
      if (!sameKeys(keys, loaded)) generation += 1
      keys = loaded
      loadedAt = clock()
      failed = false
    } catch (error) {
      if (!(error instanceof IssuerError)) throw error
      failed = true
      report(error.message)
    } finally {
      loading = undefined
    }
  }

  /** Waits for new keys, where they may be asked for. */
  async function refetch(): Promise<void> {
    if (loading === undefined && since(triedAt) < REFETCH_MILLISECONDS) return
    loading ??= fetchKeys()
    await loading
  }

  async function keepFresh(): Promise<void> {
    if (usable() && since(loadedAt) < FRESH_MILLISECONDS) return
    const waits = !usable() || since(triedAt) >= IDLE_MILLISECONDS
    const done = refetch()
    if (waits) await done
    // Nobody waits for this one, and nobody else would hear of a mistake in it.
    else done.catch((error: unknown) => report(String(error)))
  }

  function lookUp(kid: string | undefined, algorithm: SignatureAlgorithm): KeyAnswer | undefined {
    const fitting = keys.filter((key) => key.algorithm === algorithm && (kid === undefined || key.kid === kid))
    const [found] = fitting
    // Without a name it must be beyond doubt which one is meant.
    return found === undefined || (kid === undefined && fitting.length > 1) ? undefined : { key: found.key, generation }
  }

  return {
    async find(kid, algorithm) {
      await keepFresh()
      if (!usable()) return 'unavailable'
      const known = lookUp(kid, algorithm)
      if (known !== undefined) return known
      await refetch()
      return lookUp(kid, algorithm) ?? (failed ? 'unavailable' : 'unknown')
    },
    async generation() {
      await keepFresh()
      return usable() ? generation : undefined
    },
  }
}

/** @throws IssuerError when it is not a key set, or has no key that can be used: the last good ones are worth more. */
async function readKeySet(document: unknown, algorithms: readonly SignatureAlgorithm[]): Promise<TrustedKey[]> {
  const parsed = keySetSchema.safeParse(document)
  if (!parsed.success) throw new IssuerError(`what the issuer publishes is not a key set of at most ${MAX_KEYS} keys`)
  const trusted: TrustedKey[] = []
  for (const item of parsed.data.keys) {
    const key = publishedKeySchema.safeParse(item)
    if (!key.success) continue
    for (const algorithm of algorithmsOf(key.data, algorithms)) {
      const imported = await importPublic(key.data, algorithm)
      if (imported !== undefined) trusted.push(imported)
    }
  }
  if (trusted.length === 0) throw new IssuerError('the issuer publishes no key that this server takes')
  return trusted
}

function algorithmsOf({ kty, alg }: PublishedKey, accepted: readonly SignatureAlgorithm[]): SignatureAlgorithm[] {
  const possible = kty === 'EC' ? ['ES256'] : ['RS256', 'PS256']
  return accepted.filter((algorithm) => possible.includes(algorithm) && (alg === undefined || alg === algorithm))
}

async function importPublic(published: PublishedKey, algorithm: SignatureAlgorithm): Promise<TrustedKey | undefined> {
  const numbers =
    published.kty === 'RSA'
      ? { kty: published.kty, n: published.n, e: published.e }
      : { kty: published.kty, crv: published.crv, x: published.x, y: published.y }
  let key: CryptoKey
  try {
    key = await importJWK(numbers, algorithm)
  } catch {
    return undefined
  }
  const { modulusLength } = key.algorithm as { readonly modulusLength?: number }
  if (modulusLength !== undefined && (modulusLength < MIN_RSA_BITS || modulusLength > MAX_RSA_BITS)) return undefined
  return { kid: published.kid, algorithm, key, material: JSON.stringify([published.kid, algorithm, numbers]) }
}

function sameKeys(before: readonly TrustedKey[], after: readonly TrustedKey[]): boolean {
  const materials = new Set(before.map(({ material }) => material))
  return before.length === after.length && after.every(({ material }) => materials.has(material))
}
