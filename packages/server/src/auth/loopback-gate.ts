/**
 * What stands in for a gate on a server that was told to do without one, and that only this machine reaches. A browser of
 * this machine reaches it too, on behalf of whatever page is open in it: by a name of the page's own that leads to this
 * machine, or by a request whose answer the page cannot read but that has its effect. The first has a foreign `Host`, the second
 * a foreign `Origin`.
 */
import type { Gate } from '#auth/gate'
import { isLocalHost } from '#network'

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

/** @param allowedOrigins whose pages may come all the same */
export function createLoopbackGate(allowedOrigins: readonly string[]): Gate {
  return {
    async check(header) {
      const host = header('host')
      const origin = header('origin')
      const local = (url: string) => isLocalHost(hostnameOf(url) ?? '')
      const ownPage = origin === undefined || local(origin) || allowedOrigins.includes(origin)
      if (ownPage && (host === undefined || local(`http://${host}`))) return { passed: true }
      return { passed: false, reason: 'refused', detail: 'this server has no gate and takes requests of this machine only' }
    },
  }
}
