/**
 * The known answers of tests/vectors, which say what version 1 is. They are computed here twice: by the package and by a second
 * implementation on node:crypto (support/reference.ts).
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openBundle, sealBundle } from '#bundle'
import { deriveRootKey, type RootKey, rootFromPassphrase, type Suite } from '#derivation'
import { keyPairOf } from '#device-key'
import { open, seal, segmentAad } from '#envelope'
import { deriveAuthKey, deriveEpochKeys, deriveRecoveryKeyPair, deriveWrapKey } from '#hierarchy'
import { paddedLength } from '#padding'
import { decryptGcm } from '#webcrypto'
import * as reference from './support/reference.ts'

const { hex, unhex } = reference
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}`, import.meta.url), 'utf8'))

interface Vectors {
  readonly derivation: readonly {
    about: string
    suite: Suite
    password: string
    passphrase?: string
    salt?: string
    root: string
  }[]
  readonly hierarchy: Readonly<
    Record<'root' | 'vaultId' | 'authKey' | 'wrapKey' | 'recoveryPrivateKey' | 'recoveryPublicKey' | 'vaultKey', string>
  > & { readonly epochs: readonly { epoch: number; segmentKey: string; blobKey: string; idKey: string }[] }
  readonly device: { readonly privateKey: string; readonly publicKey: string }
  readonly padding: readonly { contentLength: number; paddedLength: number }[]
  readonly segmentAad: readonly { kind: number; counter: number; epoch: number; vaultId: string; replica: string; aad: string }[]
  readonly envelope: readonly { key: string; salt: string; aad: string; content: string; sealed: string }[]
  readonly bundle: readonly {
    wrapKey: string
    vaultId: string
    suite: Suite
    salt: string
    name: string
    version: number
    epochs: [number, string][]
    envelopeSalt: string
    aad: string
    sealed: string
  }[]
}

const vectors = read('lockstep-v1.json') as Vectors
const dataans = read('dataans.json') as {
  derivation: { password: string; passphrase: string; key: string }
  envelope: { nonce: string; plaintext: string; sealed: string }
}

describe('known answers', () => {
  test('[KEY-5] [ENV-1] the vectors of version 1 are the released ones', () => {
    // What is stored and sent follows these. A change of any needs a new format version and a new file, never an edit of this one.
    const digest = createHash('sha256').update(JSON.stringify(vectors)).digest('hex')
    expect(digest).toBe('17f50f52483fe63cdeec9c3357bfe160afed52b84fc2be5ad8b5ea769404f0a5')
  })

  test('[KEY-5] the Dataans derivation, bit for bit, and its key opens a Dataans envelope', async () => {
    const { password, passphrase, key } = dataans.derivation
    expect(hex(await rootFromPassphrase(password, passphrase))).toBe(key)
    expect(hex(await deriveRootKey({ suite: 'pbkdf2-sha256-1200000', password, passphrase }))).toBe(key)
    expect(hex(reference.rootPbkdf2(password, passphrase))).toBe(key)
    const sealed = unhex(dataans.envelope.sealed)
    const content = await decryptGcm(unhex(key), sealed.subarray(0, 12), new Uint8Array(0), sealed.subarray(12, -32))
    expect(hex(content)).toBe(dataans.envelope.plaintext)
  })

  test.each(vectors.derivation)('[KEY-5] root key: $suite, $about', async ({ suite, password, passphrase, salt, root }) => {
    const saltBytes = salt === undefined ? undefined : unhex(salt)
    expect(hex(await deriveRootKey({ suite, password, passphrase, salt: saltBytes }))).toBe(root)
  })

  test('[KEY-5] root keys: the reference agrees', () => {
    const [plain, careless, custom, ...passwordOnly] = vectors.derivation
    expect(hex(reference.rootPbkdf2(plain?.password ?? '', plain?.passphrase ?? ''))).toBe(plain?.root)
    expect(careless?.root).toBe(plain?.root)
    expect(hex(reference.rootPbkdf2(custom?.password ?? '', custom?.passphrase ?? ''))).toBe(custom?.root)
    expect(passwordOnly).toHaveLength(2)
    for (const { password, salt, root } of passwordOnly) {
      expect(hex(reference.rootArgon2id(password, unhex(salt ?? '')))).toBe(root)
    }
  })

  test('[KEY-6] [KEY-7] keys from the root key', () => {
    const { root, vaultId, authKey, wrapKey, recoveryPrivateKey, recoveryPublicKey } = vectors.hierarchy
    const rootKey = unhex(root) as Uint8Array as RootKey
    const id = unhex(vaultId)
    expect(hex(deriveAuthKey(rootKey, id))).toBe(authKey)
    expect(hex(deriveWrapKey(rootKey, id))).toBe(wrapKey)
    const recovery = deriveRecoveryKeyPair(rootKey, id)
    expect(hex(recovery.privateKey)).toBe(recoveryPrivateKey)
    expect(hex(recovery.publicKey)).toBe(recoveryPublicKey)
    expect(hex(reference.subkey(rootKey, 'auth', id))).toBe(authKey)
    expect(hex(reference.subkey(rootKey, 'wrap', id))).toBe(wrapKey)
    expect(hex(reference.subkey(rootKey, 'recovery', id))).toBe(recoveryPrivateKey)
    expect(hex(reference.x25519PublicKey(unhex(recoveryPrivateKey)))).toBe(recoveryPublicKey)
  })

  test.each(vectors.hierarchy.epochs)('[KEY-7] keys of epoch $epoch', ({ epoch, segmentKey, blobKey, idKey }) => {
    const vaultKey = unhex(vectors.hierarchy.vaultKey)
    const id = unhex(vectors.hierarchy.vaultId)
    const keys = deriveEpochKeys(vaultKey, id, epoch)
    expect([hex(keys.segmentKey), hex(keys.blobKey), hex(keys.idKey)]).toEqual([segmentKey, blobKey, idKey])
    const expected = ['segment', 'blob', 'id'].map((purpose) => hex(reference.subkey(vaultKey, purpose, id, epoch)))
    expect([segmentKey, blobKey, idKey]).toEqual(expected)
  })

  test('[KEY-2] a device key pair', () => {
    const { privateKey, publicKey } = vectors.device
    expect(hex(keyPairOf(unhex(privateKey)).publicKey)).toBe(publicKey)
    expect(hex(reference.x25519PublicKey(unhex(privateKey)))).toBe(publicKey)
  })

  test.each(vectors.padding)(
    '[ENV-4] $contentLength bytes are padded to $paddedLength',
    ({ contentLength, paddedLength: expected }) => {
      expect(paddedLength(contentLength)).toBe(expected)
      expect(reference.padded(new Uint8Array(contentLength)).length).toBe(expected)
    },
  )

  test.each(vectors.segmentAad)('[ENV-3] the AAD of segment $counter of kind $kind', ({ aad, vaultId, replica, ...numbers }) => {
    const fields = { ...numbers, vaultId: unhex(vaultId), replica: unhex(replica) }
    expect(hex(segmentAad(fields))).toBe(aad)
    expect(hex(reference.segmentAad(fields))).toBe(aad)
  })

  test.each(vectors.envelope)('[ENV-1] [ENV-4] an envelope with salt $salt', async ({ key, salt, aad, content, sealed }) => {
    expect(hex(await seal(unhex(key), unhex(aad), unhex(content), () => unhex(salt)))).toBe(sealed)
    expect(hex(await open(unhex(key), unhex(aad), unhex(sealed)))).toBe(content)
    expect(hex(reference.sealed(unhex(key), unhex(salt), unhex(aad), unhex(content)))).toBe(sealed)
  })

  test.each(vectors.bundle)('[KEY-4] a key bundle: $suite, "$name", version $version', async (vector) => {
    const wrapKey = unhex(vector.wrapKey)
    const { suite, name, version } = vector
    const context = { suite, name, salt: unhex(vector.salt), vaultId: unhex(vector.vaultId) }
    const epochs = vector.epochs.map(([epoch, key]): [number, Uint8Array] => [epoch, unhex(key)])
    const random = () => unhex(vector.envelopeSalt)
    // Whatever order the map has, epochs are written ascending.
    for (const order of [epochs, epochs.toReversed()]) {
      expect(hex(await sealBundle({ wrapKey, context, bundle: { version, epochs: new Map(order) }, random }))).toBe(vector.sealed)
    }
    const opened = await openBundle({ wrapKey, context, version, sealed: unhex(vector.sealed) })
    expect(opened.version).toBe(version)
    expect([...opened.epochs].map(([epoch, key]) => [epoch, hex(key)])).toEqual(vector.epochs)
    expect(hex(reference.bundleAad({ ...context, version }))).toBe(vector.aad)
    const content = reference.bundleContent(epochs)
    expect(hex(reference.sealed(wrapKey, unhex(vector.envelopeSalt), unhex(vector.aad), content))).toBe(vector.sealed)
  })
})
