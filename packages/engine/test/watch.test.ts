import { fromHex, toHex } from '@lockstep/protocol/bytes'
import { describe, expect, test } from 'vitest'
import { DriverError } from '#driver'
import { EngineError } from '#errors'
import type { SocketHandlers } from '#http'
import type { Syncer, SyncResult } from '#sync'
import { type SyncMode, type WatchEvent, Watcher } from '#watch'

const NONE = { segments: 0, bytes: 0 }
const NOTHING: SyncResult = { uploaded: NONE, downloaded: NONE, repaired: NONE }
/** A live message with no segment in it: version, head 0, chain, generation. */
const EMPTY = fromHex(`01${'00'.repeat(8)}${'00'.repeat(32)}${'00'.repeat(16)}`)
const settled = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** A watcher over timers that a test lets run out, a syncer that does what a test says, and sockets that a test holds. */
function watching(mode: SyncMode) {
  let now = 0
  const timers: { at: number; run: () => void }[] = []
  const events: WatchEvent[] = []
  const sockets: (SocketHandlers & { headers: Readonly<Record<string, string>>; sent: string[]; closed: boolean })[] = []
  const state = {
    syncs: 0,
    applied: 0,
    unauthorized: 0,
    removed: 0,
    jitter: 0,
    headers: (): Readonly<Record<string, string>> => ({ 'lockstep-gate-token': 'pass' }),
    lastSyncedAt: undefined as number | undefined,
    run: async (): Promise<SyncResult> => NOTHING,
    applyLive: async () => true,
  }
  const syncer = {
    run: async () => {
      state.syncs++
      const result = await state.run()
      state.lastSyncedAt = now
      return result
    },
    applyLive: () => {
      state.applied++
      return state.applyLive()
    },
    inbox: { position: () => ({ cursor: 3, chain: new Uint8Array(32) }) },
  } as unknown as Syncer
  const watcher = new Watcher({
    mode,
    timers: {
      after(millis, run) {
        const timer = { at: now + millis, run }
        timers.push(timer)
        return () => {
          if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1)
        }
      },
      jitter: () => state.jitter,
    },
    connect: (_url, headers, handlers) => {
      const socket = { ...handlers, headers, sent: [] as string[], closed: false }
      sockets.push(socket)
      return { send: (text) => socket.sent.push(text), close: () => (socket.closed = true) }
    },
    onEvent: (event) => events.push(event),
    target: {
      syncer: () => syncer,
      liveUrl: () => 'ws://server.test/v1/live',
      token: () => 'token',
      headers: () => state.headers(),
      onUnauthorized: async () => void state.unauthorized++,
      onRemoved: async () => void state.removed++,
      lastSyncedAt: () => state.lastSyncedAt,
      now: () => now,
    },
  })
  /** Lets time pass, and everything that it brings happen. */
  const pass = async (millis: number) => {
    const end = now + millis
    for (;;) {
      await settled()
      const next = timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      now = next.at
      timers.splice(timers.indexOf(next), 1)
      next.run()
    }
    now = end
    await settled()
  }
  return { watcher, state, events, sockets, timers, pass, types: () => events.map(({ type }) => type) }
}

describe('modes', () => {
  test('manual syncs when asked and not otherwise', async () => {
    const { watcher, state, pass } = watching('manual')
    watcher.start()
    watcher.changed()
    watcher.focused()
    await pass(10_000_000)
    expect(state.syncs).toBe(0)
    await watcher.syncNow()
    expect(state.syncs).toBe(1)
  })

  test('auto syncs at the start and 2 s after the last change', async () => {
    const { watcher, state, pass, timers } = watching('auto')
    watcher.start()
    await pass(0)
    expect(state.syncs).toBe(1)
    for (let i = 0; i < 5; i++) {
      watcher.changed()
      await pass(1900)
    }
    expect(state.syncs).toBe(1)
    await pass(99)
    expect(state.syncs).toBe(1)
    await pass(1)
    expect(state.syncs).toBe(2)
    expect(timers).toEqual([])
  })

  test('auto syncs on focus when the last sync is over an hour old', async () => {
    const { watcher, state, pass } = watching('auto')
    watcher.focused()
    await pass(60 * 60 * 1000)
    expect(state.syncs).toBe(1)
    watcher.focused()
    await pass(1)
    expect(state.syncs).toBe(1)
    watcher.focused()
    await pass(0)
    expect(state.syncs).toBe(2)
  })

  test('coming back while a sync runs starts no second one', async () => {
    const { watcher, state, pass } = watching('auto')
    let release: (() => void) | undefined
    state.run = () => new Promise((resolve) => (release = () => resolve(NOTHING)))
    watcher.start()
    await pass(0)
    watcher.focused()
    watcher.focused()
    release?.()
    await pass(0)
    expect(state.syncs).toBe(1)
  })

  test('live sends a change at once, and what is written meanwhile with the next sync', async () => {
    const { watcher, state, pass } = watching('live')
    watcher.start()
    await pass(0)
    let release: (() => void) | undefined
    state.run = () => new Promise((resolve) => (release = () => resolve(NOTHING)))
    for (let i = 0; i < 5; i++) watcher.changed()
    await pass(0)
    expect(state.syncs).toBe(2)
    release?.()
    await pass(0)
    expect(state.syncs).toBe(3)
    release?.()
    await pass(10_000)
    expect(state.syncs).toBe(3)
  })
})

describe('failures', () => {
  test('are tried again after 1 s, 2 s, 4 s … 5 min, shortened by up to half', async () => {
    const { watcher, state, events, pass } = watching('auto')
    state.run = async () => {
      throw new EngineError('offline', 'no network')
    }
    watcher.start()
    await pass(3_000_000)
    const waits = events.flatMap((event) => (event.type === 'failed' ? [event.retryIn] : []))
    expect(waits.slice(0, 11)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000))
    state.jitter = 0.9
    await pass(300_000)
    expect(events.findLast((event) => event.type === 'failed')).toMatchObject({ retryIn: 300_000 * 0.55 })
    // Changes do not make it try sooner; success starts from the beginning.
    const before = state.syncs
    watcher.changed()
    await pass(2000)
    expect(state.syncs).toBe(before)
    state.run = async () => NOTHING
    await pass(300_000)
    expect(state.syncs).toBe(before + 1)
    state.jitter = 0
    state.run = async () => {
      throw new EngineError('offline', 'no network')
    }
    watcher.changed()
    await pass(2000)
    expect(events.at(-1)).toMatchObject({ type: 'failed', retryIn: 1000 })
  })

  test('are tried again at once when the person is back, but for what the server wants to be waited for', async () => {
    const { watcher, state, pass } = watching('auto')
    state.run = async () => {
      throw new EngineError('offline', 'no network')
    }
    watcher.start()
    await pass(20_000)
    const before = state.syncs
    watcher.back()
    await pass(0)
    expect(state.syncs).toBe(before + 1)
    state.run = async () => {
      throw new EngineError('too-many-attempts', 'wait', { retryAfter: 600 })
    }
    watcher.back()
    watcher.back()
    await pass(0)
    expect(state.syncs).toBe(before + 2)
    watcher.back()
    await pass(0)
    expect(state.syncs).toBe(before + 2)
  })

  test('the server’s own Retry-After is waited for', async () => {
    const { watcher, state, events, pass } = watching('auto')
    state.run = async () => {
      throw new EngineError('too-many-attempts', 'slow down', { retryAfter: 90 })
    }
    watcher.start()
    await pass(0)
    expect(events.at(-1)).toMatchObject({ type: 'failed', retryIn: 90_000 })
    await pass(89_999)
    expect(state.syncs).toBe(1)
  })

  test('[KEY-1] a 401 stops everything, drops the session once and asks once', async () => {
    const { watcher, state, events, sockets, pass, timers } = watching('live')
    watcher.start()
    await pass(0)
    state.run = async () => {
      throw new EngineError('needs-password', 'ended')
    }
    watcher.changed()
    await pass(0)
    watcher.changed()
    watcher.focused()
    await watcher.syncNow()
    sockets[0]?.onClose(1006)
    await pass(10_000_000)
    expect([state.syncs, state.unauthorized, timers.length]).toEqual([2, 1, 0])
    expect(sockets.map(({ closed }) => closed)).toEqual([true])
    expect(events.filter(({ type }) => type === 'stopped')).toHaveLength(1)
  })

  test('[VAULT-2] a vault that was removed from its server stops everything and is told once, whichever way that is learnt', async () => {
    const { watcher, state, events, pass, timers } = watching('auto')
    state.run = async () => {
      throw new EngineError('vault-removed', 'gone')
    }
    watcher.start()
    await pass(10_000_000)
    watcher.changed()
    await watcher.syncNow()
    expect([state.syncs, state.removed, state.unauthorized, timers.length]).toEqual([1, 1, 0, 0])
    expect(events.at(-1)).toMatchObject({ type: 'stopped', error: { code: 'vault-removed' } })

    const live = watching('live')
    live.watcher.start()
    await live.pass(0)
    live.sockets[0]?.onClose(4410)
    await live.pass(10_000_000)
    expect([live.state.syncs, live.state.removed, live.timers.length]).toEqual([1, 1, 0])
    expect(live.events.at(-1)).toMatchObject({ type: 'stopped', error: { code: 'vault-removed' } })
  })

  test.each(['server-diverged', 'server-misbehaved', 'quota-exceeded', 'gate-refused'] as const)(
    '%s is not tried again by itself',
    async (code) => {
      const { watcher, state, events, pass } = watching('auto')
      state.run = async () => {
        throw new EngineError(code, 'no')
      }
      watcher.start()
      await pass(10_000_000)
      expect([state.syncs, state.unauthorized]).toEqual([1, 0])
      expect(events.at(-1)).toMatchObject({ type: 'stopped', error: { code } })
    },
  )

  test('[HTTP-4] the handshake shows the gate the pass; one that has run out ends the watching, not the session', async () => {
    const { watcher, state, events, sockets, pass, timers } = watching('live')
    watcher.start()
    await pass(0)
    expect(sockets[0]?.headers).toEqual({ 'lockstep-gate-token': 'pass' })
    state.headers = () => {
      throw new EngineError('gate-refused', 'expired')
    }
    sockets[0]?.onClose(1006)
    await pass(10_000_000)
    expect([state.syncs, state.unauthorized, sockets.length, timers.length]).toEqual([2, 0, 1, 0])
    expect(events.at(-1)).toMatchObject({ type: 'stopped', error: { code: 'gate-refused' } })
  })

  test('a database that is busy or full is this device’s trouble and is tried again; a bug is not', async () => {
    const { watcher, state, events, pass } = watching('auto')
    state.run = async () => {
      throw new DriverError('full', 'disk full')
    }
    watcher.start()
    await pass(0)
    expect(events.at(-1)).toMatchObject({ type: 'failed', error: { code: 'storage-failed' } })
    state.run = async () => {
      throw new TypeError('a bug')
    }
    await pass(1000)
    expect(events.at(-1)).toMatchObject({ type: 'stopped', error: { code: 'unexpected' } })
  })
})

describe('the live connection', () => {
  async function connected() {
    const made = watching('live')
    made.watcher.start()
    await made.pass(0)
    made.sockets[0]?.onOpen()
    return made
  }

  test('[KEY-9] says who and where it is in its first message, never in the address', async () => {
    const { sockets, types } = await connected()
    expect(sockets[0]?.sent).toEqual([JSON.stringify({ token: 'token', after: 3, chain: 'A'.repeat(43) })])
    expect(types()).toEqual(['syncing', 'synced', 'live'])
  })

  test('[LOG-7] a message that continues the log is applied; any other is only a reason to pull', async () => {
    const { state, sockets, pass } = await connected()
    sockets[0]?.onMessage(EMPTY)
    await pass(0)
    expect([state.applied, state.syncs]).toEqual([1, 1])
    state.applyLive = async () => false
    sockets[0]?.onMessage(EMPTY)
    await pass(0)
    expect([state.applied, state.syncs]).toEqual([2, 2])
    for (const bytes of [new Uint8Array(0), EMPTY.subarray(0, 30), fromHex(`02${toHex(EMPTY).slice(2)}`)]) {
      const before = state.syncs
      sockets[0]?.onMessage(bytes)
      await pass(0)
      expect([state.applied, state.syncs]).toEqual([2, before + 1])
    }
  })

  test('[KEY-9] 4401 is a session that has ended', async () => {
    const { state, sockets, events, pass } = await connected()
    sockets[0]?.onClose(4401)
    await pass(1_000_000)
    expect([state.syncs, state.unauthorized]).toEqual([1, 1])
    expect(events.at(-1)).toMatchObject({ type: 'stopped', error: { code: 'needs-password' } })
  })

  test.each([4409, 1006, 1001])(
    '[KEY-9] %i: a sync, then a new connection, after longer and longer waits until one brings something',
    async (code) => {
      const { state, sockets, pass } = await connected()
      const waits = [1000, 2000, 4000]
      for (const [i, wait] of waits.entries()) {
        sockets.at(-1)?.onClose(code)
        await pass(wait - 1)
        expect([state.syncs, sockets.length]).toEqual([1 + i, 1 + i])
        await pass(1)
        expect([state.syncs, sockets.length]).toEqual([2 + i, 2 + i])
      }
      sockets.at(-1)?.onMessage(EMPTY)
      sockets.at(-1)?.onClose(code)
      await pass(1000)
      expect(sockets).toHaveLength(5)
    },
  )

  test('where no connection can be had, changes still go up at once', async () => {
    const { watcher, state, sockets, pass } = await connected()
    for (let i = 0; i < 6; i++) {
      sockets.at(-1)?.onClose(1006)
      if (i < 5) await pass(1000 * 2 ** i)
    }
    const before = [state.syncs, sockets.length]
    watcher.changed()
    await pass(0)
    expect([state.syncs, sockets.length]).toEqual([(before[0] as number) + 1, before[1]])
  })

  test('a connection that was silent is replaced when the person is back: it may be dead, and nobody would know', async () => {
    const { watcher, state, sockets, pass, types } = await connected()
    await pass(60_000)
    watcher.back()
    await pass(0)
    expect([state.syncs, sockets.length]).toEqual([1, 1])
    await pass(1)
    watcher.back()
    await pass(0)
    expect([state.syncs, sockets.length, sockets[0]?.closed]).toEqual([2, 2, true])
    expect(types().slice(-3)).toEqual(['live', 'syncing', 'synced'])
    // What is left of the old one changes nothing.
    sockets[0]?.onMessage(EMPTY)
    sockets[0]?.onClose(1006)
    sockets[1]?.onOpen()
    await pass(50_000)
    expect([state.syncs, state.applied, sockets.length]).toEqual([2, 0, 2])
    sockets[1]?.onMessage(EMPTY)
    await pass(50_000)
    watcher.back()
    await pass(0)
    expect([state.syncs, state.applied, sockets.length]).toEqual([2, 1, 2])
  })

  test('with another network there is another connection', async () => {
    const { watcher, state, sockets, pass } = await connected()
    watcher.reconnect()
    await pass(0)
    expect([state.syncs, sockets.length, sockets[0]?.closed]).toEqual([2, 2, true])
  })

  test('stopping ends everything and waits for what runs', async () => {
    const { watcher, state, sockets, pass, timers } = await connected()
    let release: (() => void) | undefined
    state.run = () => new Promise((resolve) => (release = () => resolve(NOTHING)))
    watcher.changed()
    await pass(0)
    let stopped = false
    const stopping = watcher.stop().then(() => (stopped = true))
    await settled()
    expect(stopped).toBe(false)
    release?.()
    await stopping
    sockets[0]?.onClose(1000)
    sockets[0]?.onMessage(EMPTY)
    watcher.changed()
    await pass(10_000_000)
    expect([state.syncs, state.applied, sockets.length, sockets[0]?.closed, timers.length]).toEqual([2, 0, 1, true, 0])
  })
})
