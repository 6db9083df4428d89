/**
 * Keys, session and profile of a device in IndexedDB, each encrypted under a key that never leaves the browser: it is made
 * not to be extractable, so that nothing that reads the stored records, or a copy of them, reads the vault's keys. Code of
 * this origin can use it all the same; the threat model says so.
 */
import { decodeUtf8, encodeUtf8 } from '@lockstep/protocol/bytes'
import { EngineError } from '#errors'
import type { SecretStore } from '#secrets'

const STORE = 'secrets'
const KEY = 'key'
const IV_BYTES = 12

interface Sealed {
  readonly iv: Uint8Array<ArrayBuffer>
  readonly data: ArrayBuffer
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE)
  }
  return settled(request)
}

/** Durable, as far as a browser promises anything: the transaction has been written out when this resolves. */
async function change(db: IDBDatabase, work: (store: IDBObjectStore) => void): Promise<void> {
  const transaction = db.transaction(STORE, 'readwrite', { durability: 'strict' })
  work(transaction.objectStore(STORE))
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
}

/** @param name of the database; one for each device of an origin */
export async function openSecretStore(name: string): Promise<SecretStore> {
  const db = await openDatabase(name)
  const read = (key: string): Promise<unknown> => settled(db.transaction(STORE).objectStore(STORE).get(key))

  async function makeWrappingKey(): Promise<CryptoKey> {
    const found = await read(KEY)
    if (found instanceof CryptoKey) return found
    const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    await change(db, (store) => store.put(made, KEY))
    return made
  }
  let loaded: Promise<CryptoKey> | undefined
  const wrappingKey = (): Promise<CryptoKey> => {
    loaded ??= makeWrappingKey()
    return loaded
  }

  const load = async (record: string): Promise<unknown> => {
    const sealed = (await read(record)) as Sealed | undefined
    if (sealed === undefined) return undefined
    try {
      const params = { name: 'AES-GCM', iv: sealed.iv, additionalData: encodeUtf8(record) as Uint8Array<ArrayBuffer> }
      return JSON.parse(decodeUtf8(new Uint8Array(await crypto.subtle.decrypt(params, await wrappingKey(), sealed.data))))
    } catch (error) {
      throw new EngineError('database-newer', 'the keys of this browser cannot be read: sign in again', { cause: error })
    }
  }
  const save =
    (record: string) =>
    async (json: unknown): Promise<void> => {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
      const params = { name: 'AES-GCM', iv, additionalData: encodeUtf8(record) as Uint8Array<ArrayBuffer> }
      const data = await crypto.subtle.encrypt(
        params,
        await wrappingKey(),
        encodeUtf8(JSON.stringify(json)) as Uint8Array<ArrayBuffer>,
      )
      await change(db, (store) => store.put({ iv, data } satisfies Sealed, record))
    }
  return {
    loadSecrets: () => load('keys'),
    saveSecrets: save('keys'),
    loadProfile: () => load('profile'),
    saveProfile: save('profile'),
    async wipe() {
      await change(db, (store) => store.clear())
      loaded = undefined
    },
  }
}

/** For a device that is not to outlive its worker. */
export function memorySecrets(): SecretStore {
  let [secrets, profile]: unknown[] = []
  return {
    loadSecrets: async () => secrets,
    saveSecrets: async (json) => {
      secrets = json
    },
    loadProfile: async () => profile,
    saveProfile: async (json) => {
      profile = json
    },
    wipe: async () => {
      secrets = undefined
      profile = undefined
    },
  }
}
