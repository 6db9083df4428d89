/** How what a segment says of the log is kept while the log comes from its end (`_links`). */
import { ByteReader, ByteWriter, FormatError, fromHex, toHex } from '@lockstep/protocol/bytes'
import type { SegmentKind } from '@lockstep/protocol/records'
import type { ReplicaId } from '#hlc'
import type { Link } from '#log'

const FORMAT = 1

export function encodeLink(link: Link): Uint8Array {
  const out = new ByteWriter(256).u8(FORMAT).u8(link.kind).varint(link.first).varint(link.last)
  out.raw(fromHex(link.replica)).varint(link.counter).raw(link.previous).raw(link.identity.id).raw(link.identity.digest)
  out.u8(link.unread ? 2 : link.own ? 1 : 0).varint(link.bundleVersion)
  out.varint(link.seen.length)
  for (const [replica, counter] of link.seen) out.raw(fromHex(replica)).varint(counter)
  out.varint(link.covers.length)
  for (const { replica, first, last, digest } of link.covers) out.raw(fromHex(replica)).varint(first).varint(last).raw(digest)
  out.u8(link.run === undefined ? 0 : 1)
  if (link.run !== undefined) out.varint(link.run.first).varint(link.run.part).varint(link.run.parts).raw(link.run.chain)
  return out.finish()
}

/** @throws FormatError when the database is damaged. */
export function decodeLink(bytes: Uint8Array): Link {
  const reader = new ByteReader(bytes)
  if (reader.u8() !== FORMAT) throw new FormatError('unsupported', 'a stored link has an unknown format')
  const replica = () => toHex(reader.raw(16)) as ReplicaId
  const list = <T>(read: () => T): T[] => Array.from({ length: reader.varint() }, read)
  const link: Link = {
    kind: reader.u8() as SegmentKind,
    first: reader.varint(),
    last: reader.varint(),
    replica: replica(),
    counter: reader.varint(),
    previous: reader.raw(32).slice(),
    identity: { id: reader.raw(16).slice(), digest: reader.raw(32).slice() },
    ...ownership(reader.u8()),
    bundleVersion: reader.varint(),
    seen: list(() => [replica(), reader.varint()] as const),
    covers: list(() => ({ replica: replica(), first: reader.varint(), last: reader.varint(), digest: reader.raw(32).slice() })),
    run:
      reader.u8() === 0
        ? undefined
        : { first: reader.varint(), part: reader.varint(), parts: reader.varint(), chain: reader.raw(32).slice() },
  }
  reader.end()
  return link
}

function ownership(byte: number): Pick<Link, 'own' | 'unread'> {
  return { own: byte === 1, unread: byte === 2 }
}
