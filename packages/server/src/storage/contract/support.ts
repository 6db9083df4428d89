/** What the cases of the storage contract are made with. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { concatBytes } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import type { DeliveredSegment, SegmentRecord } from '@lockstep/protocol/records'
import type {
  Append,
  AppendOutcome,
  Interval,
  MergeCommit,
  MergeOutcome,
  MergePartOutcome,
  MergeTarget,
  NewSession,
  Storage,
  VaultKey,
} from '#storage/storage'

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
const sealedText = (text: string): Uint8Array => new TextEncoder().encode(text)
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
    const sealed = sealedText(text)
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

/** SHA-256 over the tags of the index entries first … last: what a merge names its run by. */
async function runDigest(storage: Storage, key: VaultKey, first: number, last: number): Promise<Uint8Array> {
  const entries = (await storage.index(key, first, 1e6)).filter((entry) => entry.last <= last)
  return sha256(concatBytes(...entries.map(({ tag }) => tag)))
}

/** A device that merges, under the session with the token of this name. */
export class Merger {
  readonly storage: Storage
  readonly key: VaultKey
  readonly session: Uint8Array
  name = 'none'
  epoch = 1
  now = 1000
  quota = 0
  static #names = 0

  constructor(storage: Storage, key: VaultKey, token = 'token main') {
    this.storage = storage
    this.key = key
    this.session = bytes(token)
  }

  /** A reservation that stands for 100 ms. */
  async open(target: MergeTarget): Promise<'opened' | 'run-changed' | 'merge-busy'> {
    Merger.#names += 1
    const name = `merge ${Merger.#names}`
    const { key: vault, session, now } = this
    const outcome = await this.storage.openMerge({ vault, name, session, target, now, expiresAt: now + 100 })
    if (outcome === 'opened') this.name = name
    return outcome
  }

  async openRun(first: number, last: number): Promise<'opened' | 'run-changed' | 'merge-busy'> {
    return this.open({ type: 'run', first, last, run: await runDigest(this.storage, this.key, first, last) })
  }

  async openSeeds(): Promise<'opened' | 'run-changed' | 'merge-busy'> {
    const { head, chain } = await this.storage.position(this.key)
    return this.open({ type: 'seed', head, chain })
  }

  async put(part: number, record: SegmentRecord): Promise<MergePartOutcome> {
    const { key: vault, name, session, now, quota } = this
    const segment = { ...identifySegment(sha256, record), record }
    return this.storage.putMergePart({ vault, name, session, part, segment, expiresAt: now + 100, quota })
  }

  commit(parts: number, covers: MergeCommit['covers'] = []): Promise<MergeOutcome> {
    const { key: vault, name, session, quota } = this
    return this.storage.commitMerge({ vault, name, session, parts, covers, quota })
  }

  /** A part of the merged run first … last. */
  async merged(first: number, last: number, text: string): Promise<SegmentRecord> {
    const previous = await this.storage.chainAt(this.key, first - 1)
    assert.ok(previous)
    return { kind: 2, epoch: this.epoch, replica: bytes('merger', 16), counter: last, previous, sealed: sealedText(text) }
  }

  /** Seeds behind the head, each of which continues the one before. */
  async seeds(texts: readonly string[]): Promise<SegmentRecord[]> {
    const { head, chain } = await this.storage.position(this.key)
    let previous = chain
    return texts.map((text, i) => {
      const record = {
        kind: 3,
        epoch: this.epoch,
        replica: bytes('seeder', 16),
        counter: head + 1 + i,
        previous,
        sealed: sealedText(text),
      } as const
      previous = extendChain(sha256, previous, identifySegment(sha256, record))
      return record
    })
  }

  /** All three steps. Answers the parts. */
  async mergeRun(first: number, last: number, texts: readonly string[]): Promise<SegmentRecord[]> {
    assert.equal(await this.openRun(first, last), 'opened')
    const parts: SegmentRecord[] = []
    for (const text of texts) parts.push(await this.merged(first, last, text))
    for (const [part, record] of parts.entries()) assert.equal((await this.put(part, record)).outcome, 'stored')
    assert.equal((await this.commit(parts.length)).outcome, 'merged')
    return parts
  }
}

/** Everything of an interval, read in pages of `maxBytes`. */
export async function readAll(storage: Storage, key: VaultKey, interval: Interval, maxBytes = 1e9): Promise<DeliveredSegment[]> {
  const all: DeliveredSegment[] = []
  for (let rest: Interval | undefined = interval; rest !== undefined; ) {
    const page = await storage.read(key, rest, maxBytes)
    all.push(...page.segments)
    rest = page.rest
  }
  return all
}

/** `first-last:text` of each segment. */
export function spans(segments: readonly DeliveredSegment[]): string[] {
  return segments.map(({ first, last, sealed }) => `${first}-${last}:${new TextDecoder().decode(sealed)}`)
}
