/** The browser's HTTP. Servers of tests are other origins, which no server here lets in: the page's own server passes on what it is sent. */
import type { HttpClient } from '@lockstep/engine/http'
import { browserHttp } from '@lockstep/engine/platform/browser/http'

/** The address at which this page's server passes on to another on this machine. */
export function throughPage(url: string): string {
  const { protocol, hostname, port, pathname, search } = new URL(url)
  const { origin, host } = globalThis.location
  if (hostname !== '127.0.0.1' && hostname !== 'localhost') return url
  const start = protocol === 'ws:' ? `ws://${host}` : origin
  return `${start}/to/${port}${pathname}${search}`
}

export const createNodeHttp = (): { readonly http: HttpClient; readonly close: () => void } => ({
  http: (request) => browserHttp({ ...request, url: throughPage(request.url) }),
  close() {},
})
