/**
 * A tab's link to the one worker that has the vault, whichever tab of this browser that worker belongs to. Who leads is decided by a
 * Web Lock: it is held for as long as a tab leads, and the browser gives it to another one when that tab is closed or dies.
 *
 * Pure but for what is passed in, so that a test can run many tabs in one place.
 */
import { type Answer, HostError, type HostMessage, type Request, type TabMessage, toFailure } from '#link/messages'

/** What all tabs hear, but the one that speaks. */
export interface TabChannel {
  post(message: TabMessage): void
  onMessage(listener: (message: TabMessage) => void): void
  close(): void
}

/** A running worker. */
export interface HostWorker {
  post(message: HostMessage): void
  onMessage(listener: (message: HostMessage) => void): void
  terminate(): void
}

export interface LinkOptions {
  /** Unique among all tabs. */
  readonly tab: string
  readonly channel: TabChannel
  /** Resolves when this tab may lead, which it then does until `signal` fires: then the lock is to be given up. */
  readonly lead: (signal: AbortSignal) => Promise<void>
  /** Starts the worker of a leading tab. */
  readonly startHost: () => HostWorker
  readonly onNotice: (event: unknown) => void
  /** This tab has begun to lead. */
  readonly onLead?: () => void
}

interface Waiting {
  readonly request: Request
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class Link {
  readonly #options: LinkOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended = new AbortController()
  #last = 0
  #host: HostWorker | undefined
  /** The tab that leads, as far as is known. */
  #leader: string | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    const { channel } = options
    channel.onMessage((message) => this.#hear(message))
    channel.post({ type: 'who-leads' })
    options.lead(this.#ended.signal).then(
      () => this.#beginToLead(),
      // Closed before its turn came.
      () => {},
    )
  }

  get isLeader(): boolean {
    return this.#host !== undefined
  }

  /** Asks the host; waits for as long as it takes until somebody leads. @throws HostError */
  ask(method: string, ...args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request: Request = { type: 'request', tab: this.#options.tab, id: ++this.#last, method, args }
      this.#waiting.set(request.id, { request, resolve, reject })
      this.#send(request)
    })
  }

  /** Gives up the lead and everything that waits. */
  close(): void {
    this.#host?.terminate()
    this.#host = undefined
    this.#ended.abort()
    this.#options.channel.close()
    const failure = toFailure(new Error('this page was closed'))
    for (const { reject } of this.#waiting.values()) reject(new HostError(failure))
    this.#waiting.clear()
  }

  #send(request: Request): void {
    if (this.#host !== undefined) this.#host.post(request)
    // With nobody in the lead it goes out as soon as somebody is.
    else if (this.#leader !== undefined) this.#options.channel.post(request)
  }

  #sendAgain(): void {
    for (const { request } of this.#waiting.values()) this.#send(request)
  }

  #beginToLead(): void {
    if (this.#ended.signal.aborted) return
    const { channel, tab, startHost, onNotice, onLead } = this.#options
    const host = startHost()
    host.onMessage((message) => {
      if (message.type === 'answer' && message.tab === tab) this.#settle(message)
      else channel.post(message)
      if (message.type === 'notice') onNotice(message.event)
    })
    this.#host = host
    this.#leader = tab
    channel.post({ type: 'leading', tab })
    onLead?.()
    this.#sendAgain()
  }

  #hear(message: TabMessage): void {
    switch (message.type) {
      case 'who-leads':
        if (this.#host !== undefined) this.#options.channel.post({ type: 'leading', tab: this.#options.tab })
        return
      case 'leading':
        if (message.tab === this.#leader) return
        this.#leader = message.tab
        this.#sendAgain()
        return
      case 'request':
        this.#host?.post(message)
        return
      case 'answer':
        if (message.tab === this.#options.tab) this.#settle(message)
        return
      case 'notice':
        this.#options.onNotice(message.event)
    }
  }

  #settle({ id, result, failure }: Answer): void {
    const waiting = this.#waiting.get(id)
    // Answered before: by the leader that has gone.
    if (waiting === undefined) return
    this.#waiting.delete(id)
    if (failure === undefined) waiting.resolve(result)
    else waiting.reject(new HostError(failure))
  }
}
