/**
 * Syncing by itself: when, how often, and what happens after a failure. A state machine over injected timers.
 *
 * | mode | syncs |
 * | --- | --- |
 * | manual | when asked |
 * | auto | at the start, 2 s after the last local change, and on focus when the last sync is over an hour old |
 * | live | at the start, at once after a local change; what others write comes over a WebSocket, another one after a silence |
 *
 * A 401 stops everything and asks once, and a removed vault asks nothing; so does a gate that refuses this device, whose session stays. Other failures are tried again after 1 s, 2 s, 4 s … 5 min, each shortened by up to
 * half at random, so that a thousand clients do not come back in the same second. A live connection that breaks off is
 * opened again in the same way, counted apart: where nothing but requests goes through, changes still go up at once.
 */
import { FormatError, toBase64Url } from '@lockstep/protocol/bytes'
import { DeliveryDecoder } from '@lockstep/protocol/records'
import { DriverError } from '#driver'
import { EngineError } from '#errors'
import type { Socket, SocketConnect } from '#http'
import type { Syncer, SyncProgress, SyncResult } from '#sync'

export type SyncMode = 'manual' | 'auto' | 'live'

const AUTO_DELAY = 2000
const STALE_AFTER = 60 * 60 * 1000
const FIRST_RETRY = 1000
const LAST_RETRY = 5 * 60 * 1000

export interface Timers {
  /** Calls `run` once after `millis`; the returned function cancels. */
  readonly after: (millis: number, run: () => void) => () => void
  /** In [0, 1). */
  readonly jitter: () => number
}

/** A live connection that brought nothing for so long may be dead: browsers do not show the server's pings. Milliseconds. */
const SILENT_AFTER = 60 * 1000

/** What the watcher needs of a signed-in device; asked for anew at each try. */
export interface WatchTarget {
  readonly syncer: () => Syncer
  readonly liveUrl: () => string
  readonly token: () => string
  /** Of the WebSocket's handshake: what a gate in front of the server wants. @throws EngineError `gate-refused` */
  readonly headers: () => Readonly<Record<string, string>>
  /** Called once when the server no longer accepts the session [KEY-1]. */
  readonly onUnauthorized: () => Promise<void>
  /** Called once when the vault is no longer on its server [VAULT-2]. */
  readonly onRemoved: () => Promise<void>
  readonly lastSyncedAt: () => number | undefined
  readonly now: () => number
}

export type WatchEvent =
  | { readonly type: 'syncing'; readonly progress?: SyncProgress }
  | { readonly type: 'synced'; readonly result: SyncResult }
  /** Tried again after `retryIn` milliseconds. */
  | { readonly type: 'failed'; readonly error: EngineError; readonly retryIn: number }
  /** Not tried again by itself: the person has to do something. */
  | { readonly type: 'stopped'; readonly error: EngineError }
  | { readonly type: 'live'; readonly connected: boolean }

export interface WatcherOptions {
  readonly mode: SyncMode
  readonly target: WatchTarget
  readonly timers: Timers
  readonly connect: SocketConnect
  readonly onEvent: (event: WatchEvent) => void
}

/** Trying again by itself would not help with these. */
const FINAL = new Set([
  'needs-password',
  'not-signed-in',
  'vault-removed',
  'gate-refused',
  'wrong-credentials',
  'server-diverged',
  'server-misbehaved',
  'quota-exceeded',
  'vault-header-forged',
  'unexpected',
])

export class Watcher {
  readonly #options: WatcherOptions
  #cancelTimer: (() => void) | undefined
  #running: Promise<void> | undefined
  /** Something happened while a sync ran: run once more after it. */
  #again = false
  #failures = 0
  /** The server said when to come again. */
  #mustWait = false
  /** Live connections that ended without a message, one after another. */
  #liveFailures = 0
  #cancelReconnect: (() => void) | undefined
  #stopped = false
  #socket: Socket | undefined
  /** When the live connection was opened or brought something last. */
  #heardAt = 0
  /** Live messages are applied one after another. */
  #applying: Promise<void> = Promise.resolve()

  constructor(options: WatcherOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#options.mode !== 'manual') void this.syncNow()
  }

  /** A local write was committed. */
  changed(): void {
    if (this.#stopped || this.#options.mode === 'manual' || this.#failures > 0) return
    // What is written while a sync runs travels together with the next one: that is delay enough.
    if (this.#options.mode === 'live') void this.syncNow()
    else this.#schedule(AUTO_DELAY)
  }

  /** The app came to the foreground. A sync that is under way is as fresh as one can be. */
  focused(): void {
    if (this.#stopped || this.#options.mode === 'manual' || this.#running !== undefined) return
    const last = this.#options.target.lastSyncedAt()
    if (last === undefined || this.#options.target.now() - last > STALE_AFTER) void this.syncNow()
  }

  /** The person is back, or the machine is: what failed may work now, and what is open may be dead. */
  back(): void {
    if (this.#stopped || this.#options.mode === 'manual' || this.#running !== undefined) return
    if (this.#failures > 0) {
      if (!this.#mustWait) void this.syncNow()
    } else if (this.#socket !== undefined && this.#options.target.now() - this.#heardAt > SILENT_AFTER) this.reconnect()
    else this.focused()
  }

  /** There is a network again, perhaps another one: syncs, and opens another live connection in place of the one that there is. */
  reconnect(): void {
    if (this.#stopped || this.#options.mode === 'manual') return
    this.#cancelReconnect?.()
    this.#cancelReconnect = undefined
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) {
      socket.close()
      this.#options.onEvent({ type: 'live', connected: false })
    }
    void this.syncNow()
  }

  #schedule(millis: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#options.timers.after(millis, () => {
      this.#cancelTimer = undefined
      void this.syncNow()
    })
  }

  /** Syncs now, or once more after the sync that is running. */
  async syncNow(): Promise<void> {
    if (this.#stopped) return
    if (this.#running !== undefined) {
      this.#again = true
      return this.#running
    }
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#running = this.#applying.then(() => this.#sync())
    try {
      await this.#running
    } finally {
      this.#running = undefined
    }
    if (this.#again && !this.#stopped) {
      this.#again = false
      await this.syncNow()
    }
  }

  async #sync(): Promise<void> {
    const { target, onEvent } = this.#options
    onEvent({ type: 'syncing' })
    try {
      const result = await target.syncer().run({ onProgress: (progress) => onEvent({ type: 'syncing', progress }) })
      this.#failures = 0
      onEvent({ type: 'synced', result })
      const connect = this.#socket === undefined && this.#cancelReconnect === undefined
      if (this.#options.mode === 'live' && connect && !this.#stopped) this.#connect()
    } catch (error) {
      await this.#failed(explain(error))
    }
  }

  async #failed(error: EngineError): Promise<void> {
    const { target, onEvent, timers } = this.#options
    this.#again = false
    if (FINAL.has(error.code)) {
      this.#halt()
      if (error.code === 'needs-password') await target.onUnauthorized()
      if (error.code === 'vault-removed') await target.onRemoved()
      onEvent({ type: 'stopped', error })
      return
    }
    this.#mustWait = error.retryAfter !== undefined
    const wait = Math.max((error.retryAfter ?? 0) * 1000, backOff(this.#failures++, timers.jitter()))
    onEvent({ type: 'failed', error, retryIn: wait })
    if (!this.#stopped) this.#schedule(wait)
  }

  /** The live connection has ended: another try, through a sync that says what is wrong. */
  #reconnect(): void {
    this.#cancelReconnect?.()
    this.#cancelReconnect = this.#options.timers.after(backOff(this.#liveFailures++, this.#options.timers.jitter()), () => {
      this.#cancelReconnect = undefined
      // While syncs fail, theirs is the next try.
      if (this.#failures === 0) void this.syncNow()
    })
  }

  #connect(): void {
    const { target, connect, onEvent } = this.#options
    const syncer = target.syncer()
    const socket = connect(target.liveUrl(), target.headers(), {
      onOpen: () => {
        const { cursor, chain } = syncer.inbox.position()
        socket.send(JSON.stringify({ token: target.token(), after: cursor, chain: toBase64Url(chain) }))
        this.#heardAt = target.now()
        onEvent({ type: 'live', connected: true })
      },
      onMessage: (bytes) => {
        if (this.#socket !== socket) return
        this.#liveFailures = 0
        this.#heardAt = target.now()
        this.#applying = this.#applying.then(() => this.#received(syncer, bytes))
      },
      onClose: (code) => {
        // It was replaced, or all has ended.
        if (this.#stopped || this.#socket !== socket) return
        this.#socket = undefined
        onEvent({ type: 'live', connected: false })
        if (code === 4401) void this.#failed(new EngineError('needs-password', 'the session has ended: sign in again'))
        else if (code === 4410) void this.#failed(new EngineError('vault-removed', 'this vault was removed from its server'))
        else this.#reconnect()
      },
    })
    this.#socket = socket
  }

  async #received(syncer: Syncer, bytes: Uint8Array): Promise<void> {
    if (this.#stopped) return
    try {
      const decoder = new DeliveryDecoder()
      const segments = decoder.push(bytes)
      decoder.end()
      if (decoder.position === undefined || !(await syncer.applyLive(segments, decoder.position))) void this.syncNow()
    } catch (error) {
      if (error instanceof FormatError) {
        void this.syncNow()
        return
      }
      await this.#failed(explain(error))
    }
  }

  #halt(): void {
    this.#stopped = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#cancelReconnect?.()
    this.#cancelReconnect = undefined
    this.#socket?.close()
    this.#socket = undefined
  }

  /** Ends it; resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#halt()
    await this.#running
    await this.#applying
  }
}

function backOff(failures: number, jitter: number): number {
  return Math.min(LAST_RETRY, FIRST_RETRY * 2 ** failures) * (1 - jitter / 2)
}

function explain(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  if (error instanceof DriverError) {
    return new EngineError('storage-failed', `this device cannot read or write its database: ${error.message}`, { cause: error })
  }
  return new EngineError('unexpected', String(error), { cause: error })
}
