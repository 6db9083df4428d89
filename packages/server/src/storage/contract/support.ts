/** What the cases of the storage contract are made with. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import type { SegmentRecord } from '@lockstep/protocol/records'
import type { Append, AppendOutcome, Interval, NewSession, Storage, VaultKey } from '#storage/storage'

export interface ContractSubject {
  readonly storage: Storage
  /** Closes the storage and opens it again on the same data. */
  reopen(): Promise<Storage>
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>
}

export type Body = (storage: Storage, subject: ContractSubject) => Promise<void>
export type Cases = readonly (readonly [title: string, body: Body])[]

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
export const bytes = (text: string, length = 32): Uint8Array => sha256(new TextEncoder().encode(text)).slice(0, length)
export const plain = (value: Uint8Array): number[] => [...value]

export function vault(name: string) {
  const bundle = { version: 1, sealed: bytes(`bundle ${name}`) }
  const suite = 'argon2id-64m-3' as const
  return { name, vaultId: bytes(name, 16), suite, salt: bytes(`salt ${name}`, 16), authHash: bytes(`auth ${name}`), bundle }
}

export function session(device: string, token: string, now = 1000): NewSession {
  return {
    deviceId: bytes(device, 16),
    deviceName: device,
    tokenHash: bytes(token),
    cookieHash: bytes(`cookie ${device}`),
    now,
  }
}

export async function makeVault(storage: Storage, name = 'main'): Promise<VaultKey> {
  assert.equal(await storage.createVault(vault(name), session('laptop', `token ${name}`), false), 'created')
  const stored = await storage.vaultByName(name)
  assert.ok(stored)
  return stored.key
}

export class Author {
  counter = 0
  previous: Uint8Array = new Uint8Array(32)
  readonly name: string
  constructor(name: string) {
    this.name = name
  }

  next(text: string): SegmentRecord {
    const sealed = new TextEncoder().encode(text)
    const { previous } = this
    this.counter += 1
    this.previous = sha256(sealed)
    return { kind: 0, epoch: 1, replica: bytes(this.name, 16), counter: this.counter, previous, sealed }
  }
}

export function push(vaultKey: VaultKey, records: readonly SegmentRecord[], quota = 0): Append {
  return { vault: vaultKey, quota, segments: records.map((record) => ({ ...identifySegment(sha256, record), record })) }
}

export function chainOf(records: readonly SegmentRecord[]): Uint8Array {
  return records.reduce((chain, record) => extendChain(sha256, chain, identifySegment(sha256, record)), CHAIN_START)
}

export async function appendOne(storage: Storage, append: Append): Promise<AppendOutcome> {
  const [outcome] = await storage.append([append])
  assert.ok(outcome)
  return outcome
}

export async function sequences(storage: Storage, append: Append): Promise<readonly number[]> {
  const outcome = await appendOne(storage, append)
  assert.equal(outcome.outcome, 'appended')
  return outcome.outcome === 'appended' ? outcome.sequences : []
}

/** The plain interval of a pull. */
export function upTo(after: number, through: number): Interval {
  return { after, through, newest: false }
}
