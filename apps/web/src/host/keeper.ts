/**
 * Keeps the vault in step by itself, and tells what it is doing: one at a time, begun anew after signing in, and after the person
 * has done what it had stopped for.
 */
import type { SyncProgress, SyncResult } from '@lockstep/engine/sync'
import type { SyncMode, WatchEvent } from '@lockstep/engine/watch'
import type { WebDevice, WebHome } from '#host/home'
import { type Failure, toFailure } from '#link/messages'

export interface Activity {
  readonly syncing: boolean
  /** Of the sync that runs, where it has something to do. */
  readonly progress: SyncProgress | undefined
  /** Why the last sync that ended failed; none where it did not. */
  readonly failure: Failure | undefined
  /** After that failure nothing was tried again by itself: the person has to do something. */
  readonly stopped: boolean
}

export interface KeeperListeners {
  /** The device's state may be another one. */
  readonly onAccount: () => void
  readonly onActivity: () => void
}

/** So often progress is told at most. Milliseconds. */
const TELL_EVERY = 100

export class Keeper {
  readonly #home: Pick<WebHome, 'hasDevice' | 'device'>
  readonly #listeners: KeeperListeners
  #mode: SyncMode = 'manual'
  #watching: ReturnType<WebDevice['watch']> | undefined
  /** The last change of what is watched: each one waits for the one before. */
  #changing: Promise<void> = Promise.resolve()
  /** The watcher has given up until the person does something. */
  #stopped = false
  #activity: Activity = { syncing: false, progress: undefined, failure: undefined, stopped: false }
  #asked = 0
  #watcherSyncs = false
  #toldAt = 0

  constructor(home: Pick<WebHome, 'hasDevice' | 'device'>, listeners: KeeperListeners) {
    this.#home = home
    this.#listeners = listeners
  }

  get activity(): Activity {
    return this.#activity
  }

  /** In `manual` mode, and while nobody is signed in, nothing happens by itself. */
  watch(mode: SyncMode): Promise<void> {
    this.#mode = mode
    return this.resume()
  }

  /** Begins anew: there is another session, or another way to the server. */
  resume(): Promise<void> {
    return this.#change(async () => {
      this.#stopped = false
      if (this.#mode === 'manual' || !this.#home.hasDevice) return
      const device = await this.#home.device()
      if (!device.profile.signedIn) return
      this.#watching = device.watch({ mode: this.#mode, onEvent: (event) => this.#hear(event) })
    })
  }

  /** Until {@link resume}. */
  pause(): Promise<void> {
    return this.#change(async () => this.#tell({ failure: undefined, stopped: false }))
  }

  #change(begin: () => Promise<void>): Promise<void> {
    // One that failed was told to whoever asked for it.
    const settled = this.#changing.catch(() => {})
    this.#changing = settled.then(async () => {
      const before = this.#watching
      this.#watching = undefined
      await before?.stop()
      this.#watcherSyncs = false
      this.#tell({ progress: undefined })
      await begin()
    })
    return this.#changing
  }

  /** The app came to the foreground: perhaps from the gate's log-in. */
  focused(): void {
    if (this.#stopped) void this.resume()
    else this.#watching?.back()
  }

  /** The machine has a network again. */
  online(): void {
    this.#watching?.reconnect()
  }

  /** @throws EngineError */
  async sync(): Promise<SyncResult> {
    this.#asked++
    this.#tell({})
    try {
      const device = await this.#home.device()
      const result = await device.sync({ onProgress: (progress) => this.#progress(progress) })
      this.#asked--
      this.#tell({ progress: undefined, failure: undefined, stopped: false })
      if (this.#stopped) void this.resume()
      return result
    } catch (error) {
      this.#asked--
      this.#tell({ progress: undefined, failure: toFailure(error) })
      this.#listeners.onAccount()
      throw error
    }
  }

  #hear(event: WatchEvent): void {
    switch (event.type) {
      case 'syncing':
        this.#watcherSyncs = true
        if (event.progress !== undefined) this.#progress(event.progress)
        else this.#tell({})
        return
      case 'synced':
        this.#watcherSyncs = false
        this.#tell({ progress: undefined, failure: undefined, stopped: false })
        break
      case 'stopped':
        this.#stopped = true
        this.#watcherSyncs = false
        this.#tell({ progress: undefined, failure: toFailure(event.error), stopped: true })
        break
      case 'failed':
        this.#watcherSyncs = false
        this.#tell({ progress: undefined, failure: toFailure(event.error), stopped: false })
        break
      case 'live':
        return
    }
    this.#listeners.onAccount()
  }

  #progress(progress: SyncProgress): void {
    const now = Date.now()
    if (now - this.#toldAt < TELL_EVERY) return
    this.#toldAt = now
    this.#tell({ progress })
  }

  #tell(changes: Partial<Activity>): void {
    this.#activity = { ...this.#activity, ...changes, syncing: this.#asked > 0 || this.#watcherSyncs }
    this.#listeners.onActivity()
  }
}
