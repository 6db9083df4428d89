/** What keeps a vault in step by itself: begun anew when it has to be, one at a time, and true about what it does. */
import { EngineError } from '@lockstep/engine/errors'
import type { SyncOptions, SyncResult } from '@lockstep/engine/sync'
import type { WatchEvent } from '@lockstep/engine/watch'
import { expect, test } from 'vitest'
import type { WebDevice } from '#host/home'
import { type Activity, Keeper } from '#host/keeper'

const NOTHING = { segments: 0, bytes: 0 }
const RESULT: SyncResult = { uploaded: NOTHING, downloaded: NOTHING, repaired: NOTHING }

const IN_STEP: Activity = { syncing: false, progress: undefined, failure: undefined, stopped: false }

/** A device that writes down who watches it. */
function stage() {
  const log: string[] = []
  let onEvent: (event: WatchEvent) => void = () => {}
  let sync: (options: SyncOptions) => Promise<SyncResult> = async () => RESULT
  const profile = { signedIn: true }
  const device = {
    profile,
    sync: (options: SyncOptions) => sync(options),
    watch(options: { readonly mode: string; readonly onEvent: (event: WatchEvent) => void }) {
      log.push(`begins: ${options.mode}`)
      onEvent = options.onEvent
      return {
        stop: async () => void log.push('ends'),
        back: () => log.push('focused'),
        reconnect: () => log.push('syncs'),
        changed: () => {},
      }
    },
  }
  const told = { account: 0, activity: 0 }
  const keeper = new Keeper(
    { hasDevice: true, device: async () => device as unknown as WebDevice },
    {
      onAccount: () => {
        told.account++
      },
      onActivity: () => {
        told.activity++
      },
    },
  )
  return {
    keeper,
    log,
    told,
    profile,
    emit: (event: WatchEvent) => onEvent(event),
    onSync: (run: typeof sync) => {
      sync = run
    },
  }
}

test('one watches at a time, and none by hand or while nobody is signed in', async () => {
  const { keeper, log, profile } = stage()
  profile.signedIn = false
  await keeper.watch('live')
  expect(log).toEqual([])
  profile.signedIn = true
  await Promise.all([keeper.resume(), keeper.watch('auto')])
  expect(log).toEqual(['begins: auto', 'ends', 'begins: auto'])
  await keeper.watch('manual')
  expect(log.at(-1)).toBe('ends')
})

test('what has given up begins anew when the person comes back, and after a sync that got through', async () => {
  const { keeper, log, emit } = stage()
  await keeper.watch('live')
  keeper.focused()
  expect(log.at(-1)).toBe('focused')
  emit({ type: 'stopped', error: new EngineError('gate-refused', 'log in there') })
  expect(keeper.activity.failure?.code).toBe('gate-refused')
  keeper.focused()
  await keeper.resume()
  expect(log.filter((line) => line === 'begins: live')).toHaveLength(3)
  emit({ type: 'stopped', error: new EngineError('gate-refused', 'log in there') })
  await keeper.sync()
  await keeper.pause()
  expect(log.filter((line) => line === 'begins: live')).toHaveLength(4)
  expect(log.filter((line) => line === 'ends')).toHaveLength(4)
})

test('nothing of a device is loaded while nobody has one; afterwards by what is asked of it', async () => {
  const log: string[] = []
  const home = {
    hasDevice: false,
    async device() {
      log.push('loaded')
      return { profile: { signedIn: false }, sync: async () => RESULT } as unknown as WebDevice
    },
  }
  const keeper = new Keeper(home, { onAccount: () => {}, onActivity: () => {} })
  await keeper.watch('live')
  keeper.focused()
  keeper.online()
  await keeper.pause()
  expect(log).toEqual([])
  await keeper.sync()
  expect(log).toEqual(['loaded'])
})

test('a network that is there again is used at once', async () => {
  const { keeper, log } = stage()
  keeper.online()
  await keeper.watch('auto')
  keeper.online()
  expect(log).toEqual(['begins: auto', 'syncs'])
})

test('it says that it syncs for as long as any sync runs, and why one failed until one did not', async () => {
  const { keeper, emit, onSync, told } = stage()
  await keeper.watch('live')
  emit({ type: 'syncing' })
  const failing = keeper.sync()
  emit({ type: 'synced', result: RESULT })
  expect(keeper.activity.syncing).toBe(true)
  await failing
  expect(keeper.activity).toEqual(IN_STEP)
  onSync(() => Promise.reject(new EngineError('too-many-attempts', 'wait', { retryAfter: 60 })))
  await expect(keeper.sync()).rejects.toThrow('wait')
  expect(keeper.activity).toMatchObject({ syncing: false, failure: { code: 'too-many-attempts', retryAfter: 60 } })
  emit({ type: 'syncing', progress: { phase: 'upload', done: 1, total: 3 } })
  expect(keeper.activity.progress).toEqual({ phase: 'upload', done: 1, total: 3 })
  const before = told.account
  emit({ type: 'synced', result: RESULT })
  expect(keeper.activity).toEqual(IN_STEP)
  expect(told.account).toBe(before + 1)
})

test('why it has given up is known until something got through, also while it is tried again', async () => {
  const { keeper, emit, onSync } = stage()
  const full = new EngineError('quota-exceeded', 'no room')
  await keeper.watch('live')
  emit({ type: 'stopped', error: full })
  const given = { failure: { code: 'quota-exceeded' }, stopped: true }
  expect(keeper.activity).toMatchObject(given)
  // The person looks at the app again.
  keeper.focused()
  await keeper.resume()
  emit({ type: 'syncing' })
  expect(keeper.activity).toMatchObject(given)
  onSync(() => Promise.reject(full))
  await expect(keeper.sync()).rejects.toThrow('no room')
  expect(keeper.activity).toMatchObject(given)
  emit({ type: 'failed', error: new EngineError('offline', 'no network'), retryIn: 1000 })
  expect(keeper.activity).toMatchObject({ failure: { code: 'offline' }, stopped: false })
  emit({ type: 'stopped', error: full })
  onSync(async () => RESULT)
  await keeper.sync()
  expect(keeper.activity).toMatchObject({ failure: undefined, stopped: false })
})
