/**
 * Live push [KEY-9]: every connected device gets each new segment as soon as it is durable.
 *
 * A connection has a cursor: the last sequence number it was sent. An announcement that starts right after the cursor
 * goes out as it is, encoded once for all; a connection that is behind (just connected, or slower than the news) is
 * caught up from the database, page by page, each page only when the one before has left. So a slow socket holds at
 * most one page in memory and loses nothing; one that takes nothing at all is closed by the ping.
 *
 * Each message is `position ‖ delivery*` with the position of its last segment, so that it verifies by itself [LOG-4].
 */
import { concatBytes, equalBytes } from '@lockstep/protocol/bytes'
import { type LiveHello, liveHelloSchema } from '@lockstep/protocol/http'
import { type DeliveredSegment, encodeDelivery, encodePosition, type Position, SEGMENT_KIND } from '@lockstep/protocol/records'
import type { Session, SessionEnd, Sessions } from '#auth/sessions'
import type { Announcement } from '#group-commit'
import { type Storage, VaultRemovedError } from '#storage/storage'

export const LIVE_CLOSE = {
  /** The first message is not a hello, or there is a second one. */
  badHello: 4400,
  /** The token is unknown, or its session has ended. */
  unauthorized: 4401,
  /** What was shown at the gate has run out [HTTP-4]: connect anew with another token. */
  gateExpired: 4403,
  /** No hello within the time. */
  helloTimeout: 4408,
  /** The vault is not on this server any more [VAULT-1]. */
  vaultRemoved: 4410,
  /** The cursor is not of this log, or too old for live: pull, and be told what to do [LOG-4]. */
  cursorMismatch: 4409,
  serverError: 1011,
} as const

const PAGE_BYTES = 1024 * 1024
/** More unsent bytes than this and a socket counts as slow. */
const SLOW_BYTES = 256 * 1024

/** The sending half of a WebSocket. */
export interface LiveSocket {
  /** Resolves when the message has left this process; rejects when the socket is gone. */
  send(message: Uint8Array): Promise<void>
  close(code: number, reason: string): void
  /** Bytes accepted by `send` that have not left. */
  readonly buffered: number
}

export interface LiveConnection {
  /** A message of the client. `text` undefined for a binary one. */
  receive(text: string | undefined): Promise<void>
  /** The socket is gone. */
  closed(): void
  readonly greeted: boolean
}

export interface LiveHub {
  open(socket: LiveSocket): LiveConnection
  /** With segments where they are at hand; without, every connection reads on by itself. */
  announce(announcement: Announcement): void
  /** Closes the sockets of a session that has ended. */
  endSession(sessionId: string, why: SessionEnd): void
  closeAll(code: number, reason: string): void
  readonly size: number
}

export interface LiveHubOptions {
  readonly storage: Storage
  readonly authenticate: Sessions['ofToken']
  readonly onError: (error: unknown) => void
}

interface Subscriber {
  readonly socket: LiveSocket
  session: Session | undefined
  cursor: number
  open: boolean
  catchingUp: boolean
  /** Something was announced while it was catching up. */
  again: boolean
}

function encodeMessage(position: Position, segments: readonly DeliveredSegment[]): Uint8Array {
  return concatBytes(encodePosition(position), ...segments.map(encodeDelivery))
}

function parseHello(text: string | undefined): LiveHello | undefined {
  if (text === undefined) return undefined
  try {
    return liveHelloSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export function createLiveHub({ storage, authenticate, onError }: LiveHubOptions): LiveHub {
  const connections = new Set<Subscriber>()
  const byVault = new Map<number, Set<Subscriber>>()

  function forget(subscriber: Subscriber): void {
    subscriber.open = false
    connections.delete(subscriber)
    const vault = subscriber.session?.vault
    if (vault === undefined) return
    const others = byVault.get(vault)
    others?.delete(subscriber)
    if (others?.size === 0) byVault.delete(vault)
  }

  function close(subscriber: Subscriber, code: number, reason: string): void {
    if (!subscriber.open) return
    forget(subscriber)
    subscriber.socket.close(code, reason)
  }

  /** What became of the session while it was used. */
  function closeEnded(subscriber: Subscriber, why: SessionEnd): void {
    if (why === 'vault-removed') close(subscriber, LIVE_CLOSE.vaultRemoved, 'the vault was removed from this server')
    else close(subscriber, LIVE_CLOSE.unauthorized, 'signed out')
  }

  function closeFailed(subscriber: Subscriber, error: unknown): void {
    if (error instanceof VaultRemovedError) {
      closeEnded(subscriber, 'vault-removed')
      return
    }
    onError(error)
    close(subscriber, LIVE_CLOSE.serverError, 'server error')
  }

  function deliver(subscriber: Subscriber, message: Uint8Array): Promise<void> {
    return subscriber.socket.send(message).catch(() => forget(subscriber))
  }

  async function catchUp(subscriber: Subscriber, session: Session): Promise<void> {
    if (subscriber.catchingUp) {
      subscriber.again = true
      return
    }
    subscriber.catchingUp = true
    try {
      do {
        subscriber.again = false
        const position = await storage.position(session.vault)
        while (subscriber.open && subscriber.cursor < position.head) {
          const interval = { after: subscriber.cursor, through: position.head, newest: false }
          const { segments, chain } = await storage.read(session.vault, interval, PAGE_BYTES)
          const last = segments.at(-1)
          if (last === undefined || chain === undefined) throw new Error('the log ends before its head')
          if (segments.some(({ kind }) => kind === SEGMENT_KIND.merged)) {
            close(subscriber, LIVE_CLOSE.cursorMismatch, 'what is behind the cursor has been merged: pull')
            break
          }
          subscriber.cursor = last.last
          await deliver(subscriber, encodeMessage({ ...position, head: last.last, chain }, segments))
        }
      } while (subscriber.open && subscriber.again)
    } catch (error) {
      closeFailed(subscriber, error)
    }
    subscriber.catchingUp = false
  }

  async function greet(subscriber: Subscriber, hello: LiveHello): Promise<void> {
    const session = await authenticate(hello.token)
    if (session === undefined || session === 'vault-removed') return closeEnded(subscriber, session ?? 'ended')
    const position = await storage.position(session.vault)
    const chain = await storage.chainAt(session.vault, hello.after)
    if (hello.after > position.head || chain === undefined || !equalBytes(chain, hello.chain)) {
      return close(subscriber, LIVE_CLOSE.cursorMismatch, 'the cursor is not of this log')
    }
    if (!subscriber.open) return
    subscriber.session = session
    subscriber.cursor = hello.after
    const others = byVault.get(session.vault) ?? new Set()
    byVault.set(session.vault, others.add(subscriber))
    // The session may have ended between the look-up and now; from here on its end is heard of.
    const still = await authenticate(hello.token)
    if (still === undefined || still === 'vault-removed') return closeEnded(subscriber, still ?? 'ended')
    // A device that is up to date learns that it is.
    if (subscriber.cursor === position.head) await deliver(subscriber, encodePosition(position))
    await catchUp(subscriber, session)
  }

  return {
    get size() {
      return connections.size
    },
    open(socket) {
      const subscriber: Subscriber = { socket, session: undefined, cursor: 0, open: true, catchingUp: false, again: false }
      connections.add(subscriber)
      let greeted = false
      return {
        get greeted() {
          return greeted
        },
        async receive(text) {
          const hello = greeted ? undefined : parseHello(text)
          greeted = true
          if (hello === undefined) return close(subscriber, LIVE_CLOSE.badHello, 'one hello is expected')
          try {
            await greet(subscriber, hello)
          } catch (error) {
            closeFailed(subscriber, error)
          }
        },
        closed: () => forget(subscriber),
      }
    },
    announce({ vault, segments, position }) {
      const subscribers = byVault.get(vault)
      const first = segments[0]
      if (subscribers === undefined) return
      let message: Uint8Array | undefined
      for (const subscriber of subscribers) {
        if (subscriber.session === undefined) continue
        const follows = first !== undefined && !subscriber.catchingUp && subscriber.cursor + 1 === first.first
        if (!follows || subscriber.socket.buffered > SLOW_BYTES) {
          void catchUp(subscriber, subscriber.session)
          continue
        }
        message ??= encodeMessage(position, segments)
        subscriber.cursor = position.head
        void deliver(subscriber, message)
      }
    },
    endSession(sessionId, why) {
      for (const subscriber of connections) if (subscriber.session?.id === sessionId) closeEnded(subscriber, why)
    },
    closeAll(code, reason) {
      for (const subscriber of [...connections]) close(subscriber, code, reason)
    },
  }
}
