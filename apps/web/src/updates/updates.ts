/**
 * New builds of the app. The service worker fetches one in the background and lets it wait; this tells that it is ready and takes it
 * when the person says so. No tab is reloaded while a text is open in it, unless its person pressed the button there.
 */
import { openTexts } from '#text/open-texts'
import { leavePage } from '#updates/leave-page'

const WORKER = '/sw.js'
/** A page that stays open for weeks looks for itself, when somebody comes back to it. Milliseconds. */
const LOOK_AGAIN = 60 * 60 * 1000

/** What the person is told: there is a newer build; a part of this one could not be loaded. */
export type UpdateNews = 'ready' | 'missing'

/** A page that has only just been loaded is not loaded again by itself: two builds may be served in turn. Milliseconds. */
const JUST_LOADED = 3000

class Updates {
  readonly #listeners = new Set<() => void>()
  #registration: ServiceWorkerRegistration | undefined
  #ready = false
  #news: UpdateNews | undefined
  #taking = false
  #elder = false
  #lookedAt = Date.now()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly news = (): UpdateNews | undefined => this.#news

  /** Not now: until something else is to be told, or the app is opened again. */
  later(): void {
    this.#tell(undefined)
  }

  /** A part of this build could not be loaded: without a network, or because the server has another build now. */
  missing(): void {
    this.#tell('missing')
  }

  /** From the first visit on the app opens without a network. Where browsers have no service workers it works all the same. */
  async start(): Promise<void> {
    const { serviceWorker } = navigator
    if (serviceWorker === undefined) return
    // The first worker takes over a page that had none: nothing has changed then.
    let had = serviceWorker.controller !== null
    serviceWorker.addEventListener('controllerchange', () => {
      if (had || this.#ready) this.#superseded()
      had = true
    })
    // Private windows refuse; so does a gate that wants its person first. A browser that was told to have none answers nothing.
    const registration: ServiceWorkerRegistration | undefined = await serviceWorker
      .register(WORKER, { updateViaCache: 'none' })
      .catch(() => undefined)
    if (registration === undefined) return
    this.#registration = registration
    if (registration.waiting !== null && registration.active !== null) this.#tellReady()
    registration.addEventListener('updatefound', () => {
      const { installing } = registration
      installing?.addEventListener('statechange', () => {
        // The first of all does not wait: there is nothing it could replace.
        if (installing.state === 'installed' && registration.active !== null) this.#tellReady()
      })
    })
    document.addEventListener('visibilitychange', () => this.#look())
  }

  /**
   * Another tab has a newer build, and the vault with it: this one is loaded anew as soon as no text is open in it. What is typed until
   * then is handed over.
   */
  elder(): void {
    if (!openTexts.any && performance.now() > JUST_LOADED) location.reload()
    else if (!this.#elder) {
      this.#elder = true
      openTexts.onNone(() => location.reload())
      this.#tellReady()
    }
  }

  /** Reloads with the new build, once everything typed is stored. @returns false where it cannot be stored: nothing happened then */
  take(): Promise<boolean> {
    return leavePage(() => {
      this.#taking = true
      const waiting = this.#registration?.waiting
      if (waiting) waiting.postMessage('take-over')
      else location.reload()
    })
  }

  #tellReady(): void {
    this.#ready = true
    this.#tell('ready')
  }

  #tell(news: UpdateNews | undefined): void {
    this.#news = news
    for (const listener of this.#listeners) listener()
  }

  /** The new build serves this page from now on, because a person took it here or in another tab. */
  #superseded(): void {
    if (this.#taking || !openTexts.any) location.reload()
    else this.#tellReady()
  }

  #look(): void {
    if (document.visibilityState !== 'visible' || Date.now() - this.#lookedAt < LOOK_AGAIN) return
    this.#lookedAt = Date.now()
    // Without a network there is nothing new.
    this.#registration?.update().catch(() => {})
  }
}

export const updates = new Updates()
