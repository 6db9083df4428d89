/**
 * What a device keeps besides its database, and how it is written down. Never the password or a key derived from it
 * [KEY-1]: the vault keys, the session, this device's own key; and the passphrase, which the person may read again.
 */
import { deviceIdOf, generateDeviceKey } from '@lockstep/crypto/device-key'
import { fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import { z } from 'zod'
import { EngineError } from '#errors'

const bytes = (length: number) =>
  z.codec(
    z.string(),
    z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length),
    {
      decode: (text) => {
        try {
          return fromBase64Url(text)
        } catch {
          return new Uint8Array(0)
        }
      },
      encode: (value) => toBase64Url(value),
    },
  )

const secretsSchema = z.object({
  format: z.literal(1),
  deviceId: bytes(16),
  /** X25519 private key. */
  devicePrivateKey: bytes(32),
  deviceCookie: bytes(32).optional(),
  /** Epoch → vault key. Absent while signed out. */
  vaultKeys: z.array(z.tuple([z.int().min(1), bytes(32)])).optional(),
  token: z.string().optional(),
  /** What the gate in front of that server let through last. */
  gate: z
    .object({
      server: z.string(),
      accessToken: z.string().optional(),
      service: z.object({ clientId: z.string(), clientSecret: z.string() }).optional(),
    })
    .optional(),
})
export type Secrets = z.output<typeof secretsSchema>

const profileSchema = z.object({
  format: z.literal(1),
  deviceName: z.string().optional(),
  server: z.string().optional(),
  vault: z.string().optional(),
  passphrase: z.string().optional(),
  passwordOnly: z.boolean().optional(),
  /** A change of credentials that the server was told and has not answered: which of the two holds is found out later. */
  change: z
    .object({
      passphrase: z.string().optional(),
      bundleVersion: z.int().min(1),
      /** The salt of the sealed bundle: random, so it tells whose bundle a server has. */
      bundleSalt: bytes(32),
      /** Unix milliseconds. */
      since: z.int(),
      /** The server has been asked and could not tell: somebody has changed the bundle since. The next password typed tells. */
      asked: z.boolean().optional(),
    })
    .optional(),
  /** Where the vault was to be made, and it is unknown whether it was: the next try there goes on with this. */
  move: z.object({ server: z.string(), vault: z.string(), passphrase: z.string().optional() }).optional(),
})
export type Profile = z.output<typeof profileSchema>

/** Where the two are kept; a write is complete and durable, or did not happen. */
export interface SecretStore {
  loadSecrets(): Promise<unknown>
  saveSecrets(json: unknown): Promise<void>
  loadProfile(): Promise<unknown>
  saveProfile(json: unknown): Promise<void>
  /** Removes both. */
  wipe(): Promise<void>
}

/** A device's own id and key, made once, with its home. */
export function newSecrets(random: (length: number) => Uint8Array): Secrets {
  const { publicKey, privateKey } = generateDeviceKey(random)
  return { format: 1, deviceId: deviceIdOf(publicKey), devicePrivateKey: privateKey }
}

export function encodeSecrets(secrets: Secrets): unknown {
  return z.encode(secretsSchema, secrets)
}

export function encodeProfile(profile: Profile): unknown {
  return z.encode(profileSchema, profile)
}

/** @throws EngineError `database-newer` */
export function parseSecrets(json: unknown): Secrets {
  return parse(secretsSchema, json, 'the key file')
}

/** @throws EngineError `database-newer` */
export function parseProfile(json: unknown): Profile {
  return parse(profileSchema, json, 'the profile file')
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    throw new EngineError(
      'database-newer',
      `${what} of this device cannot be read: it is damaged, or was written by a newer Lockstep`,
      { cause: parsed.error },
    )
  }
  return parsed.data
}
