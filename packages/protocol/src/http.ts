/**
 * JSON bodies of the native protocol, version 1, and its error codes (docs/protocol.md). Bytes travel as base64url
 * without padding. Unknown fields are ignored, so that either side may be newer.
 */
import { z } from 'zod'
import { fromBase64Url } from '#bytes'
import { MAX_BUNDLE_BYTES, MAX_CODE_SERVER_LENGTH, MAX_NAME_LENGTH, MAX_ROTATION_BYTES } from '#limits'

const base64Url = (minimum: number, maximum = minimum) =>
  z
    .string()
    .max(Math.ceil((maximum * 4) / 3) + 1)
    .transform((text, context): Uint8Array => {
      let bytes: Uint8Array
      try {
        bytes = fromBase64Url(text)
      } catch {
        context.addIssue({ code: 'custom', message: 'must be base64url without padding' })
        return z.NEVER
      }
      if (bytes.length < minimum || bytes.length > maximum) {
        const size = minimum === maximum ? `${minimum}` : `${minimum} to ${maximum}`
        context.addIssue({ code: 'custom', message: `must be ${size} bytes, is ${bytes.length}` })
        return z.NEVER
      }
      return bytes
    })

/** Key derivation suites: a closed list with fixed parameters [KEY-5]. */
export const SUITES = ['pbkdf2-sha256-1200000', 'argon2id-64m-3'] as const
export const suiteSchema = z.enum(SUITES)
export type Suite = z.infer<typeof suiteSchema>

/** Vault name: letters, digits, dot, dash and underscore; starts with a letter or digit. Case-sensitive. */
export const vaultNameSchema = z
  .string()
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'use letters, digits, dot, dash and underscore, and start with a letter or digit')

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const printable = /^[^\u0000-\u001f\u007f]*$/
export const deviceNameSchema = z.string().min(1).max(MAX_NAME_LENGTH).regex(printable, 'must not contain control characters')

export const deviceSchema = z.object({ id: base64Url(16), name: deviceNameSchema })
export const bundleSchema = z.object({ version: z.int().min(1), sealed: base64Url(1, MAX_BUNDLE_BYTES) })

/** Sequence numbers, counters and epochs travel as JSON numbers. */
const epochSchema = z.int().min(1).max(0xffff_ffff)

/** `POST /v1/vaults` */
export const signUpRequestSchema = z.object({
  name: vaultNameSchema,
  vaultId: base64Url(16),
  suite: suiteSchema,
  salt: base64Url(16),
  authKey: base64Url(32),
  bundle: bundleSchema,
  device: deviceSchema,
  setupToken: z.string().max(256).optional(),
})
export type SignUpRequest = z.infer<typeof signUpRequestSchema>

/** `GET /v1/vaults/:name`: what a client needs before it can derive its auth key. Unknown names get a stable made-up one. */
export const vaultHeaderSchema = z.object({ vaultId: base64Url(16), suite: suiteSchema, salt: base64Url(16) })
export type VaultHeader = z.infer<typeof vaultHeaderSchema>

/** `POST /v1/vaults/:name/sessions` */
export const signInRequestSchema = z.object({
  authKey: base64Url(32),
  device: deviceSchema,
  /** From an earlier sign-in of this device: gives its guesses a bucket of their own [KEY-10]. */
  deviceCookie: base64Url(32).optional(),
})
export type SignInRequest = z.infer<typeof signInRequestSchema>

/** A bearer token, as it goes into a header. */
const tokenSchema = z
  .string()
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII')

/** Answer of sign-up and sign-in. */
export const sessionSchema = z.object({
  vaultId: base64Url(16),
  token: tokenSchema,
  deviceCookie: base64Url(32),
  bundle: bundleSchema,
})
export type Session = z.infer<typeof sessionSchema>

/** `GET /v1/credentials` (signed in): the header and bundle as they are now. */
export const credentialsSchema = z.object({ vaultId: base64Url(16), suite: suiteSchema, salt: base64Url(16), bundle: bundleSchema })
export type Credentials = z.infer<typeof credentialsSchema>

/**
 * `PUT /v1/credentials`: another password, passphrase or bundle. `replaces` is the stored bundle's version, and the new one is
 * greater [KEY-4].
 */
export const credentialsChangeSchema = z.object({
  currentAuthKey: base64Url(32),
  suite: suiteSchema,
  salt: base64Url(16),
  authKey: base64Url(32),
  replaces: z.int().min(1),
  bundle: bundleSchema,
})
export type CredentialsChange = z.infer<typeof credentialsChangeSchema>

/**
 * `POST /v1/devices/:id/revocation`: ends a device and opens a new epoch, atomically, if the log's head is still the one that the
 * rotation record closes [KEY-2] [KEY-3] [KEY-4].
 */
export const revocationSchema = credentialsChangeSchema.extend({
  /** The new epoch: the vault's plus one. */
  epoch: epochSchema,
  /** The sealed rotation record. */
  rotation: base64Url(1, MAX_ROTATION_BYTES),
  head: z.int().min(0),
  chain: base64Url(32),
})
export type Revocation = z.infer<typeof revocationSchema>

/** `GET /v1/rotations?after=EPOCH`: the records that opened later epochs, ascending. */
export const rotationsSchema = z.object({
  rotations: z.array(z.object({ epoch: epochSchema, record: base64Url(1, MAX_ROTATION_BYTES) })),
})
export type Rotations = z.infer<typeof rotationsSchema>
export const rotationsQuerySchema = z.object({
  after: z
    .string()
    .regex(/^\d{1,10}$/, 'must be an epoch')
    .transform(Number),
})

/**
 * `DELETE /v1/vaults/:name` (signed in): a stolen token is not enough to remove a vault from its server. Answered 204; from then on the
 * tokens of its devices are answered 410 `vault-removed`, a repeated removal by this one included [VAULT-1].
 */
export const removalSchema = z.object({ currentAuthKey: base64Url(32) })
export type Removal = z.infer<typeof removalSchema>

/**
 * The id of a share in an address: 16 random bytes, made by who publishes [SHR-1].
 *
 * `PUT /v1/shares/:id` (signed in) takes the sealed bytes and is answered 204, also where it takes the place of the vault's own under
 * this id; `DELETE` 204, also where there is none (left); `GET`, by anyone, the bytes, or 404 `not-found`. Another vault's id is
 * answered 409 `share-taken` to both.
 */
export const shareIdSchema = base64Url(16)

/** No 0 and O, no 1, I and L: 31 characters, so that there are 887 million codes [SHR-2]. */
export const CODE_ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'
export const CODE_LENGTH = 6

function isServerAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
}

/** `POST /v1/codes`, and the answer of `GET /v1/codes/:code`: what another device needs to begin, never a secret [SHR-2]. */
export const invitationSchema = z.object({
  server: z
    .string()
    .max(MAX_CODE_SERVER_LENGTH)
    .refine(isServerAddress, 'must be an http or https address without name, password, query and fragment'),
  vault: vaultNameSchema,
})
export type Invitation = z.infer<typeof invitationSchema>

/** Answer of `POST /v1/codes`. `expiresAt` in Unix milliseconds of the server's clock. */
export const codeSchema = z.object({
  code: z
    .string()
    .length(CODE_LENGTH)
    .regex(/^[2-9A-HJKMNP-Z]*$/, 'has a character that no code has'),
  expiresAt: z.int(),
})
export type Code = z.infer<typeof codeSchema>

/** `GET /v1/devices` */
export const deviceListSchema = z.object({
  devices: z.array(
    z.object({
      id: base64Url(16),
      name: z.string(),
      createdAt: z.int(),
      lastSeenAt: z.int(),
      current: z.boolean(),
      revoked: z.boolean(),
    }),
  ),
})
export type DeviceList = z.infer<typeof deviceListSchema>

/** `GET /v1/status`. `quota` in bytes, 0 for none; `time` is the server's clock in Unix milliseconds. */
export const statusSchema = z.object({
  head: z.int(),
  chain: base64Url(32),
  generation: base64Url(16),
  segments: z.int(),
  bytes: z.int(),
  quota: z.int(),
  bundleVersion: z.int(),
  time: z.int(),
})
export type Status = z.infer<typeof statusSchema>

export const SIGN_UP_POLICIES = ['single', 'open', 'closed'] as const
export const signUpPolicySchema = z.enum(SIGN_UP_POLICIES)
export type SignUpPolicy = z.infer<typeof signUpPolicySchema>

/** `GET /v1/server` */
export const serverInfoSchema = z.object({
  product: z.literal('lockstep'),
  version: z.string(),
  protocols: z.array(z.int()),
  signUp: signUpPolicySchema,
  setupTokenRequired: z.boolean(),
  limits: z.object({
    segmentBytes: z.int(),
    pushBytes: z.int(),
    pushSegments: z.int(),
    jsonBytes: z.int(),
    quotaBytes: z.int(),
    /** Of one share, and how many a vault may have: 0 where the server is from before there were shares [SHR-1]. */
    shareBytes: z.int().default(0),
    shares: z.int().default(0),
  }),
})
export type ServerInfo = z.infer<typeof serverInfoSchema>

/** First message on `/v1/live`, within 5 s [KEY-9]: text, JSON. */
export const liveHelloSchema = z.object({ token: tokenSchema, after: z.int().min(0), chain: base64Url(32) })
export type LiveHello = z.infer<typeof liveHelloSchema>

const sequenceInQuery = z
  .string()
  .regex(/^\d{1,16}$/, 'must be a sequence number')
  .transform(Number)
  .pipe(z.int().min(0))

/**
 * Query of `GET /v1/segments`. `chain` is hexadecimal, the chain value at `after` as the client computed it. `order=newest` hands
 * out what is in (after, through] from its end. `resume`: id of the last segment that arrived of a broken off answer, whose
 * sequence numbers end at `through`; the answer goes on after it where it is still in the log.
 */
export const pullQuerySchema = z.object({
  after: sequenceInQuery,
  chain: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  through: sequenceInQuery.optional(),
  order: z.literal('newest').optional(),
  resume: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits')
    .optional(),
})
export type PullQuery = z.infer<typeof pullQuerySchema>

/** Query of `GET /v1/segments/index`. */
export const indexQuerySchema = z.object({ from: sequenceInQuery })

/** Counter ranges the server holds of each replica, inclusive pairs, and the digest of the last one's sealed bytes. */
export const coverageSchema = z.array(
  z.object({ replica: base64Url(16), ranges: z.array(z.tuple([z.int(), z.int()])), digest: base64Url(32) }),
)
export type Coverage = z.infer<typeof coverageSchema>

/**
 * `POST /v1/segments/common`, whose body is a list of marks (records.ts): the greatest of them that is in the log, 0 for none, and
 * all that a repair starts from.
 */
export const commonSchema = z.object({
  sequence: z.int().min(0),
  head: z.int().min(0),
  chain: base64Url(32),
  generation: base64Url(16),
  epoch: epochSchema,
  bundleVersion: z.int().min(1),
  coverage: coverageSchema,
})
export type Common = z.infer<typeof commonSchema>

/**
 * `POST /v1/segments/merged`: asks for the right to write merged segments in place of a run, or seeds at the head. One merge a
 * vault at a time, so that nobody uploads what somebody else is uploading.
 */
export const mergeRequestSchema = z.union([
  z.object({
    type: z.literal('run'),
    first: z.int().min(1),
    last: z.int().min(1),
    /** SHA-256 over the tags of the index entries from first to last: what the client is about to merge. */
    run: base64Url(32),
  }),
  z.object({ type: z.literal('seed'), head: z.int().min(0), chain: base64Url(32) }),
])
export type MergeRequest = z.infer<typeof mergeRequestSchema>

/** Answer: the merge's name, good until nothing has been heard of it for `seconds`. */
export const mergeSchema = z.object({ merge: z.string().min(1).max(64), seconds: z.int().min(1) })
export type Merge = z.infer<typeof mergeSchema>

/** `POST /v1/segments/merged/:merge`: puts the parts in place, all or none. `covers` says of seeds what they stand for. */
export const mergeCommitSchema = z.object({
  parts: z.int().min(1),
  covers: z.array(z.object({ replica: base64Url(16), counter: z.int().min(1), digest: base64Url(32) })).default([]),
})
export type MergeCommit = z.infer<typeof mergeCommitSchema>

/** Answer: the log's position afterwards. A merge of a run leaves head and chain as they were. */
export const positionSchema = z.object({ head: z.int().min(0), chain: base64Url(32), generation: base64Url(16) })

/**
 * Error codes of the native protocol with their status. Stable: clients act on the code, people read `detail`.
 */
export const PROBLEMS = {
  'bad-request': 400,
  'bad-json': 400,
  'bad-segment': 400,
  unauthorized: 401,
  'wrong-credentials': 401,
  /** The outer gate lets nobody pass without a token of its own: carries `reason`, `missing`, `expired` or `refused` [HTTP-4]. */
  'gate-refused': 401,
  'sign-up-closed': 403,
  'setup-token-required': 403,
  forbidden: 403,
  'not-found': 404,
  /** Never given out, taken already or expired: which of them is not said [SHR-2]. */
  'code-unknown': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'bundle-conflict': 409,
  /** The log is not the one the client's cursor belongs to: carries `head`, `chain`, `generation`, `coverage` [LOG-4]. */
  'chain-mismatch': 409,
  /** The key epoch of the segment has been closed: carries `epoch`, and the replica's `counter` and `previous` here [KEY-4]. */
  'epoch-closed': 409,
  /** The run is not what the client merged, or the log has grown under a seed or a rotation: read it again. */
  'run-changed': 409,
  /** Another device is merging: its lease ends by itself. */
  'merge-busy': 409,
  /** The server's last segment of this replica is not the one named as previous: carries `counter`, `previous` [LOG-3]. */
  'replica-conflict': 409,
  /** The id is that of another vault's share [SHR-1]. */
  'share-taken': 409,
  /** The vault has as many shares as the server lets one have. */
  'too-many-shares': 409,
  /** The vault of this session was removed from this server [VAULT-1]. What a device holds stays there. */
  'vault-removed': 410,
  'too-large': 413,
  'unsupported-media-type': 415,
  'too-many-attempts': 429,
  'too-many-requests': 429,
  'server-error': 500,
  'storage-full': 507,
  'quota-exceeded': 507,
  'shutting-down': 503,
  /** More is under way than the server can hold [HTTP-3]. Nothing was stored. */
  busy: 503,
  /** The outer gate's keys cannot be fetched now [HTTP-4]. */
  'gate-unavailable': 503,
} as const
export type ProblemCode = keyof typeof PROBLEMS

/** Body of every error answer (RFC 9457), `application/problem+json`. Extra members depend on `code`. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
})
export type Problem = z.infer<typeof problemSchema>

export const SEGMENTS_MEDIA_TYPE = 'application/vnd.lockstep.segments'
/** A sealed share, as it is put and got. */
export const SHARE_MEDIA_TYPE = 'application/vnd.lockstep.share'
