/**
 * The keys of a simulated home, by epoch, and how they are handed on: as bundle and rotation record of the real protocol are,
 * but in the clear, because key exchange has tests of its own and costs milliseconds. What a record closes is stored by
 * the engine's own code.
 */
import { storeClosing } from '@lockstep/engine/closings'
import { decodeUtf8, encodeUtf8, fromHex, toHex } from '@lockstep/protocol/bytes'

type Store = Parameters<typeof storeClosing>[0]['store']

export type Keys = ReadonlyMap<number, Uint8Array>

/** What ends an epoch, without the grants. */
export interface RotationRecord {
  /** Hexadecimal, its public key. */
  readonly author: string
  readonly bundleVersion: number
  readonly head: number
  readonly revoked: readonly string[]
  readonly closes: readonly (readonly [replica: string, counter: number])[]
  /** Hexadecimal, of the epoch that begins. */
  readonly key: string
  /** Device ids that may read it. */
  readonly grants: readonly string[]
}

const toText = (value: unknown): Uint8Array => encodeUtf8(JSON.stringify(value))

export class Keyring {
  #keys = new Map<number, Uint8Array>()

  constructor(keys: Keys) {
    this.add(keys)
  }

  get keys(): Keys {
    return this.#keys
  }

  get epoch(): number {
    return Math.max(...this.#keys.keys())
  }

  /** An epoch that is there keeps its key. */
  add(keys: Keys): void {
    for (const [epoch, key] of keys) if (!this.#keys.has(epoch)) this.#keys.set(epoch, key)
  }

  /** Back to what an older copy of the disk had. */
  reset(keys: Keys): void {
    this.#keys = new Map(keys)
  }

  toBundle(): Uint8Array {
    return toText([...this.#keys].map(([epoch, key]) => [epoch, toHex(key)]))
  }

  addBundle(sealed: Uint8Array): void {
    const epochs = JSON.parse(decodeUtf8(sealed)) as [number, string][]
    this.add(new Map(epochs.map(([epoch, key]) => [epoch, fromHex(key)])))
  }

  /** Takes up one epoch after the other. False where a record is not for `device`. */
  take(store: Store, device: string, rotations: readonly { readonly epoch: number; readonly record: Uint8Array }[]): boolean {
    for (const { epoch, record } of rotations) {
      const rotation = decodeRotation(record)
      const granted = this.#keys.has(epoch) || rotation.grants.includes(device)
      if (!granted) return false
      close(store, epoch - 1, rotation)
      this.add(new Map([[epoch, fromHex(rotation.key)]]))
    }
    return true
  }
}

export const encodeRotation = (rotation: RotationRecord): Uint8Array => toText(rotation)
const decodeRotation = (record: Uint8Array): RotationRecord => JSON.parse(decodeUtf8(record)) as RotationRecord

export function close(store: Store, epoch: number, { author, bundleVersion, head, revoked, closes }: RotationRecord): void {
  storeClosing({ store }, epoch, {
    authorKey: fromHex(author),
    bundleVersion,
    head,
    revoked: revoked.map(fromHex),
    closes: closes.map(([replica, counter]) => ({ replica: fromHex(replica), counter })),
    grants: [],
  })
}
