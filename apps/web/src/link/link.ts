/**
 * A tab's link to the one worker that has the vault, whichever tab of this browser that worker belongs to. Who leads is decided by a
 * Web Lock: it is held for as long as a tab leads, and the browser gives it to another one when that tab is closed or dies.
 *
 * A tab that begins says of which build it is. Tabs of another one step back: the one that leads gives up the lock, those that wait for it
 * wait anew, behind the newcomer. From then on they hand over what is written in them, and ask nothing else, until they are loaded anew;
 * or until the newcomer has gone and one of them leads again.
 *
 * Pure but for what is passed in, so that a test can run many tabs in one place.
 */
import {
  type Answer,
  HANDED_OVER,
  HostError,
  type HostMessage,
  type Leading,
  type Request,
  type TabMessage,
  toFailure,
} from '#link/messages'

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

/** By then a newcomer waits for the lock, or has gone. Milliseconds. */
const STEP_BACK = 2000

export interface LinkOptions {
  /** Names the code of this tab: equal for tabs whose requests mean the same. */
  readonly build: string
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
  /** A tab of a newer build has come. Called each time. */
  readonly onElder?: () => void
}

interface Waiting {
  readonly request: Request
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class Link {
  readonly #options: LinkOptions
  readonly #waiting = new Map<number, Waiting>()
  #last = 0
  #host: HostWorker | undefined
  /** The tab that leads, as far as is known. */
  #leader: Pick<Leading, 'tab' | 'build'> | undefined
  /** Ends the wait for the lead, and the lead. */
  #turn = new AbortController()
  /** Tabs of a newer build have come. */
  #elder = false
  #stepsBack: ReturnType<typeof setTimeout> | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    const { channel } = options
    channel.onMessage((message) => this.#hear(message))
    channel.post({ type: 'who-leads', build: options.build })
    this.#queue()
  }

  #queue(): void {
    const { signal } = this.#turn
    this.#options.lead(signal).then(
      () => signal.aborted || this.#beginToLead(),
      // Closed, or stepped back, before its turn came.
      () => {},
    )
  }

  #stepBack(): void {
    this.#elder = true
    this.#giveUpLead()
    this.#turn = new AbortController()
    clearTimeout(this.#stepsBack)
    this.#stepsBack = setTimeout(() => this.#queue(), STEP_BACK)
    this.#options.onElder?.()
  }

  #giveUpLead(): void {
    this.#host?.terminate()
    this.#host = undefined
    this.#leader = undefined
    this.#turn.abort()
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
    clearTimeout(this.#stepsBack)
    this.#giveUpLead()
    this.#options.channel.close()
    const failure = toFailure(new Error('this page was closed'))
    for (const { reject } of this.#waiting.values()) reject(new HostError(failure))
    this.#waiting.clear()
  }

  #send(request: Request): void {
    const { channel, build } = this.#options
    const understood = this.#leader?.build === build || HANDED_OVER.has(request.method)
    if (this.#host !== undefined) this.#host.post(request)
    // With nobody in the lead who understands it, it goes out as soon as somebody is.
    else if (this.#leader !== undefined && understood) channel.post(request)
  }

  #sendAgain(): void {
    for (const { request } of this.#waiting.values()) this.#send(request)
  }

  #beginToLead(): void {
    const { channel, tab, build, startHost, onNotice, onLead } = this.#options
    const host = startHost()
    host.onMessage((message) => {
      if (message.type === 'answer' && message.tab === tab) this.#settle(message)
      else channel.post(message)
      if (message.type === 'notice') onNotice(message.event)
    })
    this.#host = host
    this.#leader = { tab, build }
    channel.post({ type: 'leading', tab, build })
    onLead?.()
    this.#sendAgain()
  }

  #hear(message: TabMessage): void {
    const { channel, tab, build } = this.#options
    switch (message.type) {
      case 'who-leads':
        if (message.build !== build) this.#stepBack()
        else if (this.#host !== undefined) channel.post({ type: 'leading', tab, build })
        return
      case 'leading':
        if (message.tab === this.#leader?.tab) return
        this.#leader = { tab: message.tab, build: message.build }
        // It was there before, or was quicker: it is to step back.
        if (message.build !== build && !this.#elder) channel.post({ type: 'who-leads', build })
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
