/** Test client: requests as a device would make them, with fixed secrets instead of derived ones. */
import { createHash } from 'node:crypto'
import { toBase64Url } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment } from '@lockstep/protocol/chain'
import { SEGMENTS_MEDIA_TYPE, type SignUpRequest } from '@lockstep/protocol/http'
import { decodePushAnswer, encodePush, type PushAnswer, type SegmentRecord } from '@lockstep/protocol/records'

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
/** Bytes that follow from a text: ids and keys that a failing test can name. */
export const named = (text: string, length = 32): Uint8Array => sha256(new TextEncoder().encode(text)).slice(0, length)
export const b64 = toBase64Url

export function jsonRequest(method: string, body: unknown, token?: string, headers: Record<string, string> = {}): RequestInit {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...authorization, ...headers } }
}

export const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } })

type Json<T> = { [K in keyof T]: T[K] extends Uint8Array ? string : T[K] extends object ? Json<T[K]> : T[K] }

export function signUpBody(name = 'main', device = 'laptop', extra: Record<string, unknown> = {}): Json<SignUpRequest> {
  return {
    name,
    vaultId: b64(named(`vault ${name}`, 16)),
    suite: 'argon2id-64m-3',
    salt: b64(named(`salt ${name}`, 16)),
    authKey: b64(named(`auth ${name}`)),
    bundle: { version: 1, sealed: b64(named(`bundle ${name}`)) },
    device: { id: b64(named(`device ${device}`, 16)), name: device },
    ...extra,
  } as Json<SignUpRequest>
}

export function signInBody(name = 'main', device = 'phone', extra: Record<string, unknown> = {}) {
  return { authKey: b64(named(`auth ${name}`)), device: { id: b64(named(`device ${device}`, 16)), name: device }, ...extra }
}

/** A replica's own log: makes segments that continue each other. */
export class ReplicaLog {
  readonly replica: Uint8Array
  counter = 0
  previous: Uint8Array = new Uint8Array(32)
  constructor(name: string) {
    this.replica = named(`replica ${name}`, 16)
  }

  next(sealed: Uint8Array, kind: 0 | 1 | 2 = 0): SegmentRecord {
    const { replica, previous } = this
    this.counter += 1
    this.previous = sha256(sealed)
    return { kind, epoch: 1, replica, counter: this.counter, previous, sealed }
  }
}

export const pushRequest = (token: string, records: readonly SegmentRecord[]): RequestInit => ({
  method: 'POST',
  body: encodePush(records),
  headers: { authorization: `Bearer ${token}`, 'content-type': SEGMENTS_MEDIA_TYPE },
})

export async function push(url: string, token: string, records: readonly SegmentRecord[]): Promise<PushAnswer> {
  const response = await fetch(`${url}/v1/segments`, pushRequest(token, records))
  if (response.status !== 200) throw new Error(`push: ${response.status} ${await response.text()}`)
  return decodePushAnswer(new Uint8Array(await response.arrayBuffer()))
}

export function chainOf(records: readonly SegmentRecord[], start: Uint8Array = CHAIN_START): Uint8Array {
  return records.reduce((chain, record) => extendChain(sha256, chain, identifySegment(sha256, record)), start)
}
