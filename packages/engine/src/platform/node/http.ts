/**
 * HTTP by node:http with kept-alive connections. Not `fetch`: it adds eight headers that say nothing to every request,
 * and its bodies go through a stream more. Redirects are not followed.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { EngineError } from '#errors'
import type { HttpClient, HttpResponse } from '#http'

/** No byte for this long: the server or the way to it is gone. */
const IDLE_TIMEOUT = 60_000

function offline(url: string, cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new EngineError('offline', `cannot reach ${new URL(url).origin}: ${reason}`, { cause })
}

async function* chunks(message: IncomingMessage, url: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of message) yield chunk as Uint8Array
  } catch (error) {
    if (signal?.aborted === true) throw new EngineError('cancelled', 'cancelled', { cause: error })
    throw offline(url, error)
  }
}

export function createNodeHttp(): { readonly http: HttpClient; readonly close: () => void } {
  const agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: 4 }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: 4 }),
  }
  const http: HttpClient = ({ method, url, headers, body, signal, once }) =>
    new Promise<HttpResponse>((resolve, reject) => {
      const target = new URL(url)
      const secure = target.protocol === 'https:'
      const options = {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-length': String(body.length) },
        timeout: IDLE_TIMEOUT,
        ...(signal && { signal }),
      }
      const request = secure
        ? httpsRequest(target, { ...options, agent: agents['https:'] })
        : httpRequest(target, { ...options, agent: agents['http:'] })
      request.on('timeout', () => request.destroy(new Error('no answer within a minute')))
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (signal?.aborted === true) reject(new EngineError('cancelled', 'cancelled', { cause: error }))
        // An agent's kept connection that the server had just closed: nothing was answered.
        else if (request.reusedSocket && error.code === 'ECONNRESET' && once !== true)
          resolve(http({ method, url, headers, ...(body && { body }), ...(signal && { signal }) }))
        else reject(offline(url, error))
      })
      request.on('response', (message) => {
        resolve({
          status: message.statusCode ?? 0,
          header: (name) => {
            const value = message.headers[name]
            return Array.isArray(value) ? value[0] : value
          },
          body: chunks(message, url, signal),
        })
      })
      request.end(body)
    })
  return {
    http,
    close: () => {
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}
