/**
 * The hostile server: an honest one, and between it and one of its clients an attack. Clients are functions from request to
 * answer (`client`), or real connections to a real port (`listener.ts`); a test gives each client a name, and each attack
 * has one victim, so that the others can go on and write what convicts the server.
 */
import type { DeliveredSegment } from '@lockstep/protocol/records'
import type { Attack } from './attack.ts'
import { Control, type Intercept, type LiveIntercept, LOG_START } from './control.ts'
import { type ClientRequest, type ClientResponse, exchangeOf, type Reply } from './exchange.ts'
import { HonestServer } from './honest-server.ts'
import type { Anchor } from './shown-log.ts'

export interface HostileServerOptions {
  /** All randomness of the server comes from it. */
  readonly seed: string
  /** Unix milliseconds. */
  readonly now: number
  /** The error that the client's HTTP function is expected to reject with where no answer comes. */
  readonly failure: (reason: string) => Error
}

const SLICE = 64 * 1024

/** What an attack may need to know. */
export interface AttackSetting {
  /** Where the victim stands. */
  readonly anchor?: Anchor | undefined
  /** Base URL of a server of the attacker's. */
  readonly elsewhere?: string | undefined
  /** Segments of a device that has been revoked. */
  readonly accomplice?: readonly DeliveredSegment[] | undefined
}

/** A client's end of a live connection, as a browser's WebSocket would tell it. */
export interface LiveHandlers {
  readonly onOpen: () => void
  readonly onMessage: (message: Uint8Array) => void
  readonly onClose: (code: number) => void
}

export interface LiveClient {
  send(text: string): void
  close(): void
}

export class HostileServer {
  readonly #failure: (reason: string) => Error
  #honest: HonestServer
  /** Clients that talk to a copy. */
  readonly #copies = new Map<string, HonestServer>()
  #victim: string | undefined
  #intercepts: Intercept[] = []
  #liveIntercept: LiveIntercept | undefined
  #newsListeners: (() => void)[] = []
  /** Requests that came, by client. */
  readonly requests = new Map<string, number>()
  /** Live connections that were opened, by client. */
  readonly connections = new Map<string, number>()
  /** Bytes of the largest body that the victim has taken in since the attack began. */
  taken = 0

  constructor(options: HostileServerOptions) {
    this.#failure = options.failure
    this.#honest = new HonestServer(options)
  }

  get honest(): HonestServer {
    return this.#honest
  }

  /** Installs `attack` against `victim`. */
  async attack(
    attack: Attack,
    victim: string,
    { anchor = LOG_START, elsewhere, accomplice = [] }: AttackSetting = {},
  ): Promise<void> {
    this.#victim = victim
    this.taken = 0
    const control = new Control({
      victim,
      anchor,
      accomplice,
      elsewhere: elsewhere ?? 'http://elsewhere.invalid',
      server: () => this.#serverOf(victim),
      moveEverybody: (server) => this.moveTo(server),
      serveFrom: (server) => this.#copies.set(victim, server),
      intercept: (intercept) => this.#intercepts.push(intercept),
      interceptLive: (intercept) => {
        this.#liveIntercept = intercept
      },
      onNews: (listener) => this.#newsListeners.push(listener),
    })
    await attack.install(control)
  }

  /** From now on everybody is told the truth. */
  relent(): void {
    this.#victim = undefined
    this.#intercepts = []
    this.#liveIntercept = undefined
    this.#newsListeners = []
    this.#copies.clear()
  }

  /** Everybody talks to `server` from now on. */
  moveTo(server: HonestServer): void {
    this.#honest = server
    this.#copies.clear()
  }

  #serverOf(client: string): HonestServer {
    return this.#copies.get(client) ?? this.#honest
  }

  /** What `client` gets for a request. */
  async handle(client: string, request: ClientRequest): Promise<Reply> {
    this.requests.set(client, (this.requests.get(client) ?? 0) + 1)
    const exchange = exchangeOf(client, request)
    const honest = () => this.#serverOf(client).handle(client, request)
    const intercepts = client === this.#victim ? this.#intercepts : []
    const ask = intercepts.reduceRight<() => Promise<Reply>>((next, intercept) => async () => intercept(exchange, next), honest)
    const answer = await ask()
    const wrote = exchange.method === 'POST' && client !== this.#victim && answer.status < 300
    if (wrote) for (const listener of this.#newsListeners) listener()
    return answer
  }

  /** An HTTP function for the client of this name. */
  client(name: string): (request: ClientRequest) => Promise<ClientResponse> {
    return async (request) => {
      const answer = await this.handle(name, request)
      if (answer.status === 0) throw this.#failure('the connection broke before an answer came')
      return {
        status: answer.status,
        header: (header) => answer.headers[header],
        body: this.#pieces(name, answer, request.signal),
      }
    }
  }

  async *#pieces(name: string, answer: Reply, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const chunks = answer.body instanceof Uint8Array ? slices(answer.body) : answer.body
    let taken = 0
    for await (const chunk of chunks) {
      if (signal?.aborted === true) throw this.#failure('the client hung up')
      taken += chunk.length
      if (name === this.#victim) this.taken = Math.max(this.taken, taken)
      yield chunk
    }
    if (answer.broken === true) throw this.#failure('the connection broke in the middle of an answer')
  }

  /** A WebSocket of the client of this name; what is told to it is told later, as by a network. */
  connect(name: string, handlers: LiveHandlers): LiveClient {
    this.connections.set(name, (this.connections.get(name) ?? 0) + 1)
    let open = true
    const close = (code: number) => {
      if (!open) return
      open = false
      queueMicrotask(() => handlers.onClose(code))
    }
    const victim = {
      send: (message: Uint8Array) => {
        if (open) queueMicrotask(() => handlers.onMessage(message.slice()))
      },
      close,
    }
    const attacked = () => (name === this.#victim ? this.#liveIntercept : undefined)
    const connection = this.#serverOf(name).live({
      send: async (message) => {
        if (attacked() === undefined) victim.send(message)
      },
      close,
      buffered: 0,
    })
    queueMicrotask(() => handlers.onOpen())
    return {
      send: (text) => {
        const takeOver = attacked()
        if (takeOver === undefined) void connection.receive(text)
        else takeOver(victim, text)
      },
      close: () => {
        connection.closed()
        close(1000)
      },
    }
  }

  /** Where the log ends: where a device stands that is in step. */
  async anchor(): Promise<Anchor> {
    const { head, chain } = (await this.#honest.log()).position
    return { sequence: head, chain: chain.slice() }
  }

  async close(): Promise<void> {
    for (const copy of new Set([...this.#copies.values(), this.#honest])) await copy.close()
  }
}

/** As a network hands it over. */
function* slices(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += SLICE) yield body.subarray(at, at + SLICE)
}
