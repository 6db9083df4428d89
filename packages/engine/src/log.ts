/**
 * What this device knows of the server's log: how far it has it, the chain there, who wrote what, and the sealed bytes
 * of its end. Every check that hangs on the order of the log is here [LOG-3] [LOG-4] [LOG-6] [LOG-8]; what segments hold is
 * merged by `inbox.ts`, in any order.
 *
 * A new device gets the log from its end. Then rows are merged as they come, the interval that is here grows downwards
 * (`_held`), and what is to be checked waits as {@link Link}s until there is no gap left: then it is checked in order.
 *
 * All methods that write are called inside a transaction, the one that stores the rows.
 */
import { equalBytes, toHex } from '@lockstep/protocol/bytes'
import { CHAIN_START, extendChain, identifySegment, type SegmentIdentity, type Sha256 } from '@lockstep/protocol/chain'
import { isCounted, type Mark, SEGMENT_KIND, type SegmentKind } from '@lockstep/protocol/records'
import type { Cover, MergedRun } from '#content'
import { authorName } from '#devices'
import { firstDoubts } from '#doubts'
import { EngineError } from '#errors'
import { HeldEnd } from '#held-end'
import type { ReplicaId } from '#hlc'
import { LogMismatch } from '#log-mismatch'
import type { Store } from '#store'
import { keptOf, keptSegments, TAIL_SEGMENTS } from '#tail'

/** A chain value is remembered at least at every one of these sequence numbers. */
const MARK_EVERY = 1024
/** Marks sent to find the common point of two logs: each goes twice as far back as the one before it. */
const MOST_MARKS = 60

export interface LogPosition {
  readonly cursor: number
  readonly chain: Uint8Array
}

/** What a segment says of the log, without its rows. */
export interface Link {
  readonly kind: SegmentKind
  readonly first: number
  readonly last: number
  readonly replica: ReplicaId
  readonly counter: number
  readonly previous: Uint8Array
  readonly identity: SegmentIdentity
  /** Made by this database: nothing of it was to be merged. */
  readonly own: boolean
  /** Its content could not be read: nothing of this but its place in the log is proved. */
  readonly unread: boolean
  readonly bundleVersion: number
  readonly seen: readonly (readonly [ReplicaId, number])[]
  readonly covers: readonly Cover[]
  readonly run: MergedRun | undefined
}

/** The last segment of a replica whose contents are here. */
export interface Known {
  readonly counter: number
  /** Undefined where what came after it is in doubt, and its sealed bytes are not at hand. */
  readonly digest: Uint8Array | undefined
}

export class DeviceLog {
  readonly #store: Store
  readonly #sha256: Sha256
  /** What came from the log's end and is not checked yet. */
  readonly end: HeldEnd

  constructor(store: Store, sha256: Sha256) {
    this.#store = store
    this.#sha256 = sha256
    this.end = new HeldEnd(store)
  }

  /** Everything up to the cursor is here and checked. */
  position(): LogPosition {
    // In one statement: another process may move both between two.
    const rows = this.#store.driver.prepare("SELECT key, value FROM _meta WHERE key IN ('cursor', 'chain')").all()
    const stored = new Map(rows.map(({ key, value }) => [key, value]))
    return { cursor: Number(stored.get('cursor') ?? 0), chain: (stored.get('chain') as Uint8Array | undefined) ?? CHAIN_START }
  }

  moveTo({ cursor, chain }: LogPosition): void {
    this.#store.meta.set('cursor', cursor)
    this.#store.meta.set('chain', chain)
    if (cursor > 0) this.mark(cursor, chain)
  }

  /** The chain value at a sequence number, where this device remembers it. */
  chainAt(sequence: number): Uint8Array | undefined {
    if (sequence === 0) return CHAIN_START
    const { cursor, chain } = this.position()
    if (sequence === cursor) return chain
    if (sequence > cursor) return undefined
    const nearest = this.#store.driver
      .prepare('SELECT seq, chain FROM _marks WHERE seq <= ? ORDER BY seq DESC LIMIT 1')
      .get(sequence)
    const from = Number(nearest?.['seq'] ?? 0)
    let value = (nearest?.['chain'] as Uint8Array | undefined) ?? CHAIN_START
    // Between two marks the chain follows from the kept segments.
    let at = from
    for (const kept of keptSegments(this.#store, from + 1, sequence)) {
      if (kept.sequence !== ++at) return undefined
      value = extendChain(this.#sha256, value, identifySegment(this.#sha256, kept.record))
    }
    return at === sequence ? value : undefined
  }

  /** The cursor's mark and others, each about twice as far back, for finding the last common point of two logs [LOG-9]. */
  marks(): Mark[] {
    const { cursor, chain } = this.position()
    const out: Mark[] = cursor === 0 ? [] : [{ sequence: cursor, chain }]
    const nearest = this.#store.driver.prepare('SELECT seq, chain FROM _marks WHERE seq <= ? ORDER BY seq DESC LIMIT 1')
    for (let back = 1; back < cursor && out.length < MOST_MARKS; back *= 2) {
      const row = nearest.get(cursor - back)
      if (row === undefined) break
      const sequence = Number(row['seq'])
      if (sequence < (out.at(-1)?.sequence ?? 0)) out.push({ sequence, chain: row['chain'] as Uint8Array })
    }
    return out
  }

  mark(sequence: number, chain: Uint8Array): void {
    this.#store.driver.prepare('INSERT OR REPLACE INTO _marks (seq, chain) VALUES (?, ?)').run(sequence, chain)
  }

  /** Drops marks that are further back than the kept segments and at no multiple of {@link MARK_EVERY}. */
  pruneMarks(head: number): void {
    this.#store.driver.prepare(`DELETE FROM _marks WHERE seq <= ? AND seq % ${MARK_EVERY} <> 0`).run(head - 2 * TAIL_SEGMENTS)
  }

  /** The last segment of each replica up to which all contents are here and durable at the server, this one's among them. */
  known(): Map<string, Known> {
    const { driver, replica } = this.#store
    const out = new Map<string, Known>()
    for (const row of driver.prepare('SELECT replica, counter, digest FROM _replicas WHERE counter > 0').all()) {
      out.set(String(row['replica']), { counter: Number(row['counter']), digest: row['digest'] as Uint8Array })
    }
    const own = this.#confirmed()
    if (own.counter > (out.get(replica)?.counter ?? 0)) out.set(replica, own)
    for (const [author, doubt] of firstDoubts(this.#store)) {
      const last = out.get(author)
      if (last === undefined || last.counter < doubt) continue
      const kept = doubt > 1 ? keptOf(this.#store, author, doubt - 1) : undefined
      if (doubt <= 1) out.delete(author)
      else out.set(author, { counter: doubt - 1, digest: kept && this.#sha256(kept.record.sealed) })
    }
    return out
  }

  /** This database's own last segment that the server has. */
  #confirmed(): { readonly counter: number; readonly digest: Uint8Array } {
    const row = this.#store.driver
      .prepare('SELECT counter, digest FROM _segments WHERE seq IS NOT NULL ORDER BY counter DESC LIMIT 1')
      .get()
    return { counter: Number(row?.['counter'] ?? 0), digest: (row?.['digest'] as Uint8Array | undefined) ?? new Uint8Array(32) }
  }

  /** Counter of this database's own last segment that the server has confirmed, 0 for none. */
  confirmedCounter(): number {
    return this.#confirmed().counter
  }

  /**
   * True if the log up to the cursor, which is the server's head, lacks an own segment up to `counter` that the server had confirmed before
   * it was asked for the log: it was above the cursor then, where no chain value vouches for it.
   */
  lacksOwn(counter: number): boolean {
    const { cursor } = this.position()
    const lost = `SELECT 1 FROM _segments WHERE seq IS NOT NULL AND sealed IS NOT NULL AND counter <= ?`
    const { driver } = this.#store
    return (
      driver.prepare(`${lost} AND seq > ? LIMIT 1`).get(counter, cursor) !== undefined ||
      driver.prepare(`${lost} AND seq <= 0 LIMIT 1`).get(counter) !== undefined
    )
  }

  /** True once a segment came under this replica's name that was not made here [LOG-3]. */
  isCopy(): boolean {
    const { driver, replica } = this.#store
    return driver.prepare('SELECT 1 FROM _replicas WHERE replica = ?').get(replica) !== undefined
  }

  /** A copy's own segments that the log lacks: their counters are taken, so what they hold is sent under another name. */
  takeBackOwn(): void {
    this.#store.driver
      .prepare('UPDATE _segments SET seq = NULL WHERE seq IS NOT NULL AND sealed IS NOT NULL AND (seq <= 0 OR seq > ?)')
      .run(this.position().cursor)
  }

  /**
   * Own segments up to the one with this counter and digest are in the log, at `sequence` or before it. False where that is not a
   * segment of this database: then it is a copy of the one that wrote it.
   */
  placeOwn({ counter, digest }: Known, sequence: number): boolean {
    const { driver } = this.#store
    const ours = driver.prepare('SELECT digest FROM _segments WHERE counter = ?').get(counter)?.['digest'] as Uint8Array | undefined
    if (ours === undefined || digest === undefined || !equalBytes(ours, digest)) return false
    driver
      .prepare('UPDATE _segments SET seq = ? WHERE counter <= ? AND (seq IS NULL OR seq <= 0 OR seq > ?)')
      .run(sequence, counter, sequence)
    return true
  }

  /** What the covers of a seed or of a run up to the cursor say: each replica's last. */
  covers(): Cover[] {
    return [...this.known()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([replica, { counter, digest }]) =>
        digest === undefined ? [] : [{ replica: replica as ReplicaId, first: 1, last: counter, digest }],
      )
  }

  /**
   * Goes from `at` over one more segment, or over the last part of a run; all that hangs on the order of the log is checked.
   * @throws EngineError `server-misbehaved` where the segment does not continue the log; lesser lies are reported.
   */
  extend(at: LogPosition, link: Link): LogPosition {
    this.#noteBundle(link)
    if (link.kind === SEGMENT_KIND.merged) return this.#overRun(at, link)
    if (link.first !== at.cursor + 1) {
      throw new EngineError('server-misbehaved', `the server left out segment ${at.cursor + 1} of its log`)
    }
    const chain = extendChain(this.#sha256, at.chain, link.identity)
    if (link.kind === SEGMENT_KIND.seed) {
      if (!equalBytes(link.previous, at.chain)) {
        throw new EngineError('server-misbehaved', `segment ${link.last} was written for another place in the log`)
      }
      this.#displaceOwn(link)
      for (const cover of link.covers) this.#adopt(cover, link.last)
    } else if (link.own && link.replica === this.#store.replica) {
      this.#store.driver.prepare('UPDATE _segments SET seq = ? WHERE counter = ?').run(link.last, link.counter)
    } else {
      this.#checkAuthor(link)
      this.#displaceOwn(link)
    }
    this.#noteSeen(link)
    if (link.last % MARK_EVERY === 0) this.mark(link.last, chain)
    return { cursor: link.last, chain }
  }

  /** A run that was merged: it must begin where this device's log says, and hold all that this device knows of it [LOG-6]. */
  #overRun(at: LogPosition, link: Link): LogPosition {
    const { run, first, last } = link
    if (run === undefined || run.first !== first || first > at.cursor + 1) {
      throw new EngineError('server-misbehaved', `the server left out segment ${at.cursor + 1} of its log`)
    }
    const before = first === at.cursor + 1 ? at.chain : this.chainAt(first - 1)
    if (before !== undefined && !equalBytes(before, link.previous)) this.#misfit(link)
    const after = this.chainAt(last)
    if (after !== undefined && !equalBytes(after, run.chain)) this.#misfit(link)
    // Own ones that it lacks are missed once the log is here; they were perhaps confirmed by another server.
    this.#displaceOwn(link)
    this.#checkHolds(link, at.cursor)
    const known = this.known()
    for (const cover of link.covers) {
      const { counter, digest } = known.get(cover.replica) ?? { counter: 0, digest: undefined }
      if (cover.last === counter && digest !== undefined && !equalBytes(digest, cover.digest)) this.#misfit(link)
      this.#adopt(cover, last)
      if (cover.first > counter + 1) {
        this.#report(
          'withheld',
          `${cover.replica}:${counter + 1}`,
          `The server left out segment ${counter + 1} of ${authorName(this.#store, cover.replica)}.`,
        )
      }
    }
    this.mark(last, run.chain)
    return { cursor: last, chain: run.chain }
  }

  /** Own segments that were given numbers which are somebody else's are not in this log, unless a cover says so. */
  #displaceOwn({ first, last }: Link): void {
    this.#store.driver
      .prepare('UPDATE _segments SET seq = -seq WHERE seq BETWEEN ? AND ? AND sealed IS NOT NULL AND seq IS NOT NULL')
      .run(Math.max(1, first), last)
  }

  #misfit({ first, last }: Link): never {
    throw new EngineError(
      'server-misbehaved',
      `what the server hands out for the segments ${first} to ${last} was merged from another log than the one that this device knows`,
    )
  }

  /** What this device remembers of the run's beginning must be covered by it. */
  #checkHolds(link: Link, cursor: number): void {
    if (link.first > cursor) return
    const covered = new Map(link.covers.map((cover) => [cover.replica as string, cover]))
    for (const { record } of keptSegments(this.#store, link.first, cursor)) {
      if (!isCounted(record.kind)) continue
      const author = toHex(record.replica)
      const cover = covered.get(author)
      if (cover !== undefined && cover.first <= record.counter && cover.last >= record.counter) continue
      // A run of another log than the one that this device has followed, which its cursor inside of the run could not tell.
      throw new LogMismatch(
        `the merged segments ${link.first} to ${link.last} lack what ${authorName(this.#store, author)} had written there`,
      )
    }
  }

  /** The contents of a replica's segments up to `cover.last` are here. */
  #adopt({ replica, last, digest }: Cover, sequence: number): void {
    if (replica === this.#store.replica) {
      const forgotten =
        last < Number(this.#store.driver.prepare('SELECT min(counter) AS first FROM _segments').get()?.['first'] ?? 0)
      if (forgotten || this.placeOwn({ counter: last, digest }, sequence)) return
      this.#store.meta.set('copied', 1)
    }
    this.#setKnown(replica, last, digest)
    this.#arrived(replica, last)
  }

  #setKnown(replica: string, counter: number, digest: Uint8Array): void {
    this.#store.driver
      .prepare(
        `INSERT INTO _replicas (replica, counter, digest) VALUES (?, ?, ?)
         ON CONFLICT (replica) DO UPDATE SET counter = excluded.counter, digest = excluded.digest WHERE excluded.counter > counter`,
      )
      .run(replica, counter, digest)
  }

  /** Counters of a replica arrive in order and each names the one before it; what is here already may come again. */
  #checkAuthor({ replica, counter, previous, identity, unread }: Link): void {
    const { driver } = this.#store
    const row = driver.prepare('SELECT counter, digest FROM _replicas WHERE replica = ?').get(replica)
    let known = { counter: Number(row?.['counter'] ?? 0), digest: (row?.['digest'] ?? new Uint8Array(32)) as Uint8Array }
    if (replica === this.#store.replica) {
      // Under our name, and not made here: this database is a copy of another one, or a state of it that was put back [LOG-3].
      this.#store.meta.set('copied', 1)
      const own = this.#confirmed()
      if (own.counter > known.counter) known = own
    }
    const name = () => authorName(this.#store, replica)
    if (counter > known.counter + 1) {
      this.#report('withheld', `${replica}:${known.counter + 1}`, `The server left out segment ${known.counter + 1} of ${name()}.`)
    } else if (counter === known.counter + 1) {
      if (!equalBytes(known.digest, previous)) this.#reportFork(replica, counter, name())
    } else if (this.#differs(replica, counter, identity.digest, known)) {
      this.#reportFork(replica, counter, name())
    }
    // What could not be opened may be anybody's: it takes no place but the next one.
    if (unread && counter !== known.counter + 1) return
    this.#setKnown(replica, counter, identity.digest)
    this.#store.settle('withheld', `${replica}:${counter}`)
  }

  #differs(
    replica: string,
    counter: number,
    digest: Uint8Array,
    known: { readonly counter: number; readonly digest: Uint8Array },
  ): boolean {
    if (counter === known.counter) return !equalBytes(digest, known.digest)
    const kept = keptOf(this.#store, replica, counter)
    return kept !== undefined && !equalBytes(this.#sha256(kept.record.sealed), digest)
  }

  #reportFork(replica: string, counter: number, author: string): void {
    this.#report(
      'forked',
      `${replica}:${counter}`,
      `The server shows this device another history of ${author} than its author wrote.`,
    )
  }

  #report(code: string, subject: string, detail: string): void {
    this.#store.report(code, subject, detail)
  }

  /** Accusations of withholding end when all up to `counter` is here: a server may have been put back and repaired. */
  #arrived(replica: string, counter: number): void {
    for (const { subject } of this.#store.driver.prepare("SELECT subject FROM _problems WHERE code = 'withheld'").all()) {
      const [author, missing] = String(subject).split(':')
      if (author === replica && Number(missing) <= counter) this.#store.settle('withheld', String(subject))
    }
  }

  /** What the author had seen of others before it wrote [LOG-8]. */
  #noteSeen({ seen, replica: author, last: sequence }: Link): void {
    const { driver, replica: us } = this.#store
    for (const [replica, counter] of seen) {
      if (replica === us) {
        driver.prepare('UPDATE _replicas SET seen_of_us = max(seen_of_us, ?) WHERE replica = ?').run(counter, author)
        continue
      }
      const known = Number(driver.prepare('SELECT counter FROM _replicas WHERE replica = ?').get(replica)?.['counter'] ?? 0)
      if (counter > known) {
        this.#report(
          'withheld',
          `${replica}:${counter}`,
          `The server keeps back segment ${known + 1} of ${authorName(this.#store, replica)}, which ${authorName(this.#store, author)} had seen before number ${sequence} of the log.`,
        )
      }
    }
  }

  /** A greater version than the server shows means that it was rolled back [KEY-4]. */
  #noteBundle({ bundleVersion }: Link): void {
    if (bundleVersion > (this.#store.meta.get('bundleVersionSeen') ?? 0)) this.#store.meta.set('bundleVersionSeen', bundleVersion)
  }

  /** True if the cursor has got to what is held by itself: another process, or a live connection, was quicker. */
  hasPassed(): boolean {
    const held = this.end.held()
    return held !== undefined && this.position().cursor >= held.first - 1
  }

  /** Checks in order what came from the end, now that nothing is missing below it, and moves the cursor over it. */
  close(): LogPosition {
    let at = this.position()
    for (const link of this.end.links()) {
      if (link.run !== undefined && link.run.part < link.run.parts - 1) continue
      at = this.extend(at, link)
    }
    this.moveTo(at)
    this.end.letGo()
    return at
  }

  /**
   * Goes back to `to`, which both logs have. Sealed bytes beyond it are kept under negative numbers: the server may not have them.
   */
  rewind(to: LogPosition): void {
    const { driver } = this.#store
    this.end.letGo()
    driver
      .prepare('INSERT OR REPLACE INTO _tail SELECT -seq, kind, epoch, replica, counter, previous, sealed FROM _tail WHERE seq > ?')
      .run(to.cursor)
    driver.prepare('DELETE FROM _tail WHERE seq > ?').run(to.cursor)
    // Own ones keep their bytes where they are; what number they have now is known once they come again.
    driver.prepare('UPDATE _segments SET seq = -abs(seq) WHERE seq > ?').run(to.cursor)
    driver.prepare('DELETE FROM _marks WHERE seq > ?').run(to.cursor)
    // What was wrong with it is found again if it comes again.
    driver
      .prepare(
        "DELETE FROM _problems WHERE code = 'unreadable' AND subject IN (SELECT CAST(seq AS TEXT) FROM _quarantine WHERE seq > ?)",
      )
      .run(to.cursor)
    driver.prepare('DELETE FROM _quarantine WHERE seq > ?').run(to.cursor)
    this.#store.settle('forked')
    this.moveTo(to)
  }

  /** Takes over a position of another log all of whose contents are here. */
  jump(to: LogPosition): void {
    this.rewind({ cursor: 0, chain: CHAIN_START })
    this.moveTo(to)
    if (to.cursor > 0) this.mark(to.cursor, to.chain)
  }
}
