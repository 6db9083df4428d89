/** Answers that are almost right: what is left of an honest one after a few random changes. */
import type { Reply } from './exchange.ts'
import { wholeBody } from './exchange.ts'

/** A seeded generator, so that a failure can be repeated. */
export interface Dice {
  /** Integer in [0, bound). */
  below(bound: number): number
  bytes(length: number): Uint8Array
}

/** Numbers at which readers of numbers go wrong; as many of their last bytes as there is room for. */
const EDGES = [0n, 1n, 2n, 127n, 128n, 255n, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]

type Mutate = (bytes: Uint8Array, dice: Dice, other: Uint8Array) => Uint8Array

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

function range(length: number, dice: Dice): readonly [number, number] {
  const from = dice.below(length + 1)
  return [from, Math.min(length, from + dice.below(Math.max(2, dice.below(length + 1))))]
}

const MUTATIONS: Readonly<Record<string, Mutate>> = {
  flip(bytes, dice) {
    const out = bytes.slice()
    for (let i = 0; i <= dice.below(3) && out.length > 0; i++) {
      const at = dice.below(out.length)
      out[at] = (out[at] as number) ^ (1 << dice.below(8))
    }
    return out
  },
  truncate: (bytes, dice) => bytes.slice(0, dice.below(bytes.length + 1)),
  insert(bytes, dice) {
    const at = dice.below(bytes.length + 1)
    return join(bytes.subarray(0, at), dice.bytes(1 + dice.below(80)), bytes.subarray(at))
  },
  remove(bytes, dice) {
    const [from, to] = range(bytes.length, dice)
    return join(bytes.subarray(0, from), bytes.subarray(to))
  },
  repeat(bytes, dice) {
    const [from, to] = range(bytes.length, dice)
    return join(bytes.subarray(0, to), bytes.subarray(from))
  },
  move(bytes, dice) {
    const [from, to] = range(bytes.length, dice)
    const rest = join(bytes.subarray(0, from), bytes.subarray(to))
    const at = dice.below(rest.length + 1)
    return join(rest.subarray(0, at), bytes.subarray(from, to), rest.subarray(at))
  },
  splice(bytes, dice, other) {
    const [from, to] = range(other.length, dice)
    const at = dice.below(bytes.length + 1)
    return join(bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at + dice.below(2) * (to - from)))
  },
  number(bytes, dice) {
    const out = bytes.slice()
    const size = [1, 2, 4, 8][dice.below(4)] as number
    if (out.length < size) return out
    // Often in the first bytes: most of the numbers are there.
    const room = dice.below(2) === 0 ? Math.min(out.length, 160) : out.length
    const at = dice.below(Math.max(1, room - size + 1))
    let value = EDGES[dice.below(EDGES.length)] as bigint
    for (let i = size - 1; i >= 0; i--) {
      out[at + i] = Number(value & 0xffn)
      value >>= 8n
    }
    return out
  },
  /** A number in a text, as JSON has them. */
  digits(bytes, dice) {
    const text = Buffer.from(bytes).toString('latin1')
    const numbers = [...text.matchAll(/\d+/g)]
    const found = numbers[dice.below(Math.max(1, numbers.length))]
    if (found === undefined) return bytes
    const value = ['-1', '1e400', '0.5', '""', 'null', '[]', String(EDGES[dice.below(EDGES.length)])][dice.below(7)] as string
    return new Uint8Array(Buffer.from(text.slice(0, found.index) + value + text.slice(found.index + found[0].length), 'latin1'))
  },
  twice: (bytes) => join(bytes, bytes),
}

const STATUSES = [200, 201, 204, 206, 302, 400, 401, 404, 409, 413, 429, 500, 503, 507, 599]
const NAMES = Object.keys(MUTATIONS)

export interface Mutated {
  readonly reply: Reply
  readonly mutations: readonly string[]
}

/** One to three changes of `reply`. `other`: the body of another answer, to take pieces of. */
export async function mutatedReply(reply: Reply, dice: Dice, other: Uint8Array): Promise<Mutated> {
  let body = await wholeBody(reply)
  let { status, headers } = reply
  const mutations: string[] = []
  const count = 1 + dice.below(3)
  for (let i = 0; i < count; i++) {
    if (dice.below(20) === 0) {
      status = STATUSES[dice.below(STATUSES.length)] as number
      mutations.push(`status ${status}`)
    } else if (dice.below(40) === 0) {
      headers = { ...headers, 'content-type': ['application/problem+json', 'text/html', ''][dice.below(3)] as string }
      mutations.push(`type ${headers['content-type']}`)
    } else {
      const name = NAMES[dice.below(NAMES.length)] as string
      body = (MUTATIONS[name] as Mutate)(body, dice, other)
      mutations.push(name)
    }
  }
  return { reply: { status, headers, body }, mutations }
}
