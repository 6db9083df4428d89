/** What the engine needs of a platform's HTTP and WebSocket. */

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
  /** Sending it twice would not be the same as once: not repeated where it is unknown whether it arrived. */
  readonly once?: boolean
}

export interface HttpResponse {
  readonly status: number
  /** A redirect (then `status` is 302) whose target this platform keeps to itself, as browsers do. */
  readonly hidden?: boolean
  /** Lower-case name. */
  readonly header: (name: string) => string | undefined
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * One exchange. Redirects are not followed: a server that sends elsewhere would get the token.
 * @throws EngineError `offline` when no answer came, `cancelled` when the signal fired.
 */
export type HttpClient = (request: HttpRequest) => Promise<HttpResponse>

export interface SocketHandlers {
  readonly onOpen: () => void
  readonly onMessage: (bytes: Uint8Array) => void
  /** `code` is the WebSocket close code, 1006 where none came. Called once. */
  readonly onClose: (code: number) => void
}

export interface Socket {
  send(text: string): void
  close(): void
}

export type SocketConnect = (url: string, headers: Readonly<Record<string, string>>, handlers: SocketHandlers) => Socket
