/**
 * A text's updates in a merged segment, packed [CELL-4] [FMT-2]: the numbers that an update consists of, each kind of them in a
 * {@link STREAMS stream} of its own for all texts of the segment, so that like stands beside like and compresses. Each client id is
 * written once, and what stood on either side of a stretch is left out where it follows from what came before.
 *
 * Nothing of an update is lost or changed: one whose bytes would not come out again as they were is not packed.
 */
import { ByteReader, ByteWriter, equalBytes, FormatError } from '@lockstep/protocol/bytes'
import { MAX_SEGMENT_CONTENT } from '@lockstep/protocol/limits'
import {
  type CharacterId,
  type ClientStretches,
  type ClockRange,
  type Deletions,
  type Stretch,
  type TakenApart,
  takeApart,
  UpdateWriter,
} from '#text-update'

/** In their order in a segment. */
const STREAMS = [
  'clients',
  'counts',
  'flags',
  'lengths',
  'leftClients',
  'leftClocks',
  'rightClients',
  'rightClocks',
  'deleted',
  'texts',
] as const
type StreamName = (typeof STREAMS)[number]

export const STREAM_COUNT = STREAMS.length

/** Bytes of all updates that are packed in one segment: they are several times what a body may hold. */
export const MAX_UNPACKED = 4 * MAX_SEGMENT_CONTENT

const CLIENT_BYTES = 7
const FLAG_DELETED = 1
/** What stood to the left: nothing, any character, or the last one of the same client's stretch before. */
const LEFT = { none: 0, any: 2, before: 4, mask: 6 } as const
/** And to the right: nothing, any character, the one that followed the left one, or the same as of the client's stretch before. */
const RIGHT = { none: 0, any: 8, next: 16, same: 24, mask: 24 } as const
const KNOWN_FLAGS = FLAG_DELETED | LEFT.mask | RIGHT.mask

type Streams<T> = Readonly<Record<StreamName, T>>

function streamsOf<T>(make: (name: StreamName, i: number) => T): Streams<T> {
  return Object.fromEntries(STREAMS.map((name, i) => [name, make(name, i)])) as Record<StreamName, T>
}

const sameId = (a: CharacterId | undefined, b: CharacterId | undefined): boolean => a?.client === b?.client && a?.clock === b?.clock

/** Deletions that follow from the stretches: those of each client that are deleted, neighbours as one. */
function impliedRanges({ clock, stretches }: ClientStretches): ClockRange[] {
  const ranges: [number, number][] = []
  let at = clock
  for (const { length, text } of stretches) {
    if (text === undefined) noteDeleted(ranges, at, length)
    at += length
  }
  return ranges
}

function noteDeleted(ranges: [number, number][], clock: number, length: number): void {
  const last = ranges.at(-1)
  if (last !== undefined && last[0] + last[1] === clock) last[1] += length
  else ranges.push([clock, length])
}

/** All deletions of an update as Yjs orders them: `stated` ones in place of those that follow from the stretches. */
function allDeletions(implied: readonly Deletions[], stated: readonly Deletions[]): Deletions[] {
  const all = new Map([...implied, ...stated].map((entry) => [entry.client, entry]))
  return [...all.values()].filter(({ ranges }) => ranges.length > 0).sort((a, b) => b.client - a.client)
}

function sameRanges(a: readonly ClockRange[], b: readonly ClockRange[]): boolean {
  return a.length === b.length && a.every(([clock, length], i) => clock === b[i]?.[0] && length === b[i]?.[1])
}

/** The deletions that have to be stated. */
function statedDeletions({ clients, deletions }: TakenApart, implied: readonly Deletions[]): Deletions[] {
  const found = new Map(deletions.map(({ client, ranges }) => [client, ranges]))
  const follows = new Map(implied.map(({ client, ranges }) => [client, ranges]))
  const missing = clients.filter(({ client }) => !found.has(client) && (follows.get(client)?.length ?? 0) > 0)
  return [
    ...deletions.filter(({ client, ranges }) => !sameRanges(ranges, follows.get(client) ?? [])),
    ...missing.map(({ client }) => ({ client, ranges: [] })),
  ]
}

/** The bytes of an update that was taken apart and whose list of deletions is what {@link allDeletions} gives. */
function putTogether({ clients }: TakenApart, deletions: readonly Deletions[]): Uint8Array {
  const writer = new UpdateWriter(clients.length)
  for (const { client, clock, stretches } of clients) {
    writer.client(client, clock, stretches.length)
    for (const stretch of stretches) writer.stretch(stretch)
  }
  return writer.finish(deletions)
}

/** Names of clients as small numbers: 0 is the base, then an update's own clients, then others that it mentions. */
class ClientTable {
  readonly #numbers = new Map<number, number>()
  readonly named: number[] = []

  constructor(base: number) {
    this.#numbers.set(base, 0)
  }

  add(client: number): void {
    this.named.push(client)
    if (!this.#numbers.has(client)) this.#numbers.set(client, this.named.length)
  }

  mention(client: number): void {
    if (!this.#numbers.has(client)) this.add(client)
  }

  numberOf(client: number): number {
    return this.#numbers.get(client) as number
  }
}

export class TextPacker {
  readonly #streams = streamsOf(() => new ByteWriter(1024))
  readonly #limit: number
  #packed = 0

  constructor(limit = MAX_UNPACKED) {
    this.#limit = limit
  }

  /** True once anything was packed. */
  get used(): boolean {
    return this.#packed > 0
  }

  get size(): number {
    return STREAMS.reduce((sum, name) => sum + this.#streams[name].length, 0)
  }

  /** Packs an update of the base `base`. False where it cannot come out again as it is: it has to be written as bytes. */
  pack(base: number, update: Uint8Array): boolean {
    if (this.#packed + update.length > this.#limit) return false
    const apart = takeApart(update)
    if (apart === undefined) return false
    // As Yjs writes them: the difference of two is less random than each.
    if (apart.clients.some(({ client }, i) => i > 0 && client >= (apart.clients[i - 1] as ClientStretches).client)) return false
    const implied = apart.clients.map((own) => ({ client: own.client, ranges: impliedRanges(own) }))
    const stated = statedDeletions(apart, implied)
    if (!equalBytes(putTogether(apart, allDeletions(implied, stated)), update)) return false
    this.#write(base, apart, stated)
    this.#packed += update.length
    return true
  }

  #write(base: number, { clients }: TakenApart, stated: readonly Deletions[]): void {
    const out = this.#streams
    const table = new ClientTable(base)
    for (const { client } of clients) table.add(client)
    for (const { stretches } of clients) {
      for (const { left, right } of stretches) {
        if (left !== undefined) table.mention(left.client)
        if (right !== undefined) table.mention(right.client)
      }
    }
    for (const { client } of stated) table.mention(client)
    out.counts.varint(clients.length).varint(table.named.length - clients.length)
    table.named.forEach((client, i) => {
      const isNext = i > 0 && i < clients.length
      this.#writeClient(isNext ? (table.named[i - 1] as number) - client : client)
    })
    let text = ''
    for (const own of clients) {
      out.counts.varint(own.clock).varint(own.stretches.length)
      this.#writeStretches(own, table)
      for (const stretch of own.stretches) text += stretch.text ?? ''
    }
    out.texts.text(text)
    out.counts.varint(stated.length)
    for (const { client, ranges } of stated) {
      out.counts.varint(table.numberOf(client)).varint(ranges.length)
      let at = 0
      for (const [clock, length] of ranges) {
        out.deleted.varint(clock - at).varint(length)
        at = clock + length
      }
    }
  }

  #writeClient(client: number): void {
    const high = Math.floor(client / 2 ** 32)
    this.#streams.clients
      .u8(high >>> 16)
      .u8((high >>> 8) & 0xff)
      .u8(high & 0xff)
      .u32(client >>> 0)
  }

  #writeStretches({ client, clock, stretches }: ClientStretches, table: ClientTable): void {
    const out = this.#streams
    let at = clock
    let before: Stretch | undefined
    for (const stretch of stretches) {
      const { length, text, left, right } = stretch
      const leftMode =
        left === undefined
          ? LEFT.none
          : before !== undefined && left.client === client && left.clock === at - 1
            ? LEFT.before
            : LEFT.any
      const next = left && { client: left.client, clock: left.clock + 1 }
      const rightMode =
        right === undefined ? RIGHT.none : sameId(right, next) ? RIGHT.next : sameId(right, before?.right) ? RIGHT.same : RIGHT.any
      out.flags.u8((text === undefined ? FLAG_DELETED : 0) | leftMode | rightMode)
      out.lengths.varint(length)
      if (leftMode === LEFT.any) {
        out.leftClients.varint(table.numberOf((left as CharacterId).client))
        out.leftClocks.varint((left as CharacterId).clock)
      }
      if (rightMode === RIGHT.any) {
        out.rightClients.varint(table.numberOf((right as CharacterId).client))
        out.rightClocks.varint((right as CharacterId).clock)
      }
      at += length
      before = stretch
    }
  }

  /** The streams, each as a byte string. */
  writeTo(out: ByteWriter): void {
    for (const name of STREAMS) out.bytes(this.#streams[name].view())
  }
}

/** Reads packed updates in the order in which they were packed. Trusts nothing: throws only FormatError. */
export class TextUnpacker {
  readonly #streams: Streams<ByteReader>
  /** Bytes of updates that may still come out: packed ones are many times smaller. */
  #room: number

  /** @param streams {@link STREAM_COUNT} of them */
  constructor(streams: readonly Uint8Array[], room: number) {
    this.#streams = streamsOf((_, i) => new ByteReader(streams[i] as Uint8Array))
    this.#room = room
  }

  unpack(base: number): Uint8Array {
    const { counts, texts } = this.#streams
    const own = counts.varint()
    const mentioned = counts.varint()
    const table = this.#readClients(base, own, mentioned)
    const text = texts.text()
    const writer = new UpdateWriter(own)
    const implied: Deletions[] = []
    let used = 0
    for (let i = 1; i <= own; i++) {
      const client = table[i] as number
      const read = this.#readStretches(client, { table, writer, text, used })
      used = read.used
      implied.push({ client, ranges: read.ranges })
    }
    if (used !== text.length) throw new FormatError('malformed', 'a packed text has more characters than stretches')
    const update = writer.finish(allDeletions(implied, this.#readStated(table)))
    this.#take(update.length)
    return update
  }

  /** The base, an update's own clients and the others that it mentions, by their numbers. */
  #readClients(base: number, own: number, mentioned: number): number[] {
    const { clients } = this.#streams
    if ((own + mentioned) * CLIENT_BYTES > clients.remaining) truncated()
    const table = [base]
    for (let i = 1; i <= own + mentioned; i++) {
      const written = (clients.u8() * 2 ** 16 + clients.u8() * 2 ** 8 + clients.u8()) * 2 ** 32 + clients.u32()
      const client = i > 1 && i <= own ? (table[i - 1] as number) - written : written
      if (!Number.isSafeInteger(client) || client < 0 || (i > 1 && i <= own && written === 0)) {
        throw new FormatError('malformed', 'a packed text has a client id that cannot be')
      }
      table.push(client)
    }
    return table
  }

  #take(bytes: number): void {
    if (bytes > this.#room) throw new FormatError('too-large', 'the packed texts of a segment are over the limit')
    this.#room -= bytes
  }

  #readStretches(
    client: number,
    { table, writer, text, used: start }: { table: readonly number[]; writer: UpdateWriter; text: string; used: number },
  ): { readonly used: number; readonly ranges: readonly ClockRange[] } {
    const { counts, flags, lengths } = this.#streams
    const first = counts.varint()
    const count = counts.varint()
    if (count > flags.remaining) truncated()
    writer.client(client, first, count)
    const ranges: [number, number][] = []
    let used = start
    let clock = first
    let rightBefore: CharacterId | undefined
    for (let i = 0; i < count; i++) {
      const flag = flags.u8()
      if ((flag & ~KNOWN_FLAGS) !== 0) throw new FormatError('unsupported', `the flags ${flag} of a packed text are not known`)
      const length = lengths.varint()
      const left = this.#readLeft(flag & LEFT.mask, table, i > 0 ? { client, clock: clock - 1 } : undefined)
      const right = this.#readRight(flag & RIGHT.mask, table, left, rightBefore)
      if ((flag & FLAG_DELETED) !== 0) {
        noteDeleted(ranges, clock, length)
        writer.stretch({ length, text: undefined, left, right })
      } else {
        if (length > text.length - used) truncated()
        writer.stretch({ length, text: text.slice(used, used + length), left, right })
        used += length
      }
      clock += length
      if (length === 0 || clock > Number.MAX_SAFE_INTEGER)
        throw new FormatError('malformed', 'a stretch of a packed text has no valid length')
      rightBefore = right
      if (writer.length > this.#room) this.#take(writer.length)
    }
    return { used, ranges }
  }

  #readLeft(mode: number, table: readonly number[], before: CharacterId | undefined): CharacterId | undefined {
    if (mode === LEFT.none) return undefined
    const { leftClients, leftClocks } = this.#streams
    const left = mode === LEFT.any ? { client: clientAt(table, leftClients.varint()), clock: leftClocks.varint() } : before
    if (mode === LEFT.mask || left === undefined) throw new FormatError('malformed', 'a stretch of a packed text has no left side')
    return left
  }

  #readRight(
    mode: number,
    table: readonly number[],
    left: CharacterId | undefined,
    before: CharacterId | undefined,
  ): CharacterId | undefined {
    if (mode === RIGHT.none) return undefined
    const { rightClients, rightClocks } = this.#streams
    const next = left && { client: left.client, clock: left.clock + 1 }
    const right =
      mode === RIGHT.any
        ? { client: clientAt(table, rightClients.varint()), clock: rightClocks.varint() }
        : mode === RIGHT.next
          ? next
          : before
    if (right === undefined || right.clock > Number.MAX_SAFE_INTEGER)
      throw new FormatError('malformed', 'a stretch of a packed text has no right side')
    return right
  }

  #readStated(table: readonly number[]): Deletions[] {
    const { counts, deleted } = this.#streams
    const stated: Deletions[] = []
    for (let n = counts.varint(); n > 0; n--) {
      const client = clientAt(table, counts.varint())
      const count = counts.varint()
      if (count * 2 > deleted.remaining) truncated()
      const ranges: ClockRange[] = []
      let at = 0
      for (let m = 0; m < count; m++) {
        const clock = at + deleted.varint()
        const length = deleted.varint()
        at = clock + length
        if (at > Number.MAX_SAFE_INTEGER) throw new FormatError('malformed', 'a deletion of a packed text is out of range')
        ranges.push([clock, length])
      }
      stated.push({ client, ranges })
    }
    return stated
  }

  /** @throws FormatError where something is left over. */
  end(): void {
    for (const name of STREAMS) this.#streams[name].end()
  }
}

function clientAt(table: readonly number[], number: number): number {
  const client = table[number]
  if (client === undefined) throw new FormatError('malformed', 'a packed text mentions a client that it does not name')
  return client
}

function truncated(): never {
  throw new FormatError('truncated', 'a packed text is cut short')
}
