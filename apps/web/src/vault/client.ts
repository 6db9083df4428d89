/** The vault as the interface sees it: every method of the host, asked through the link. */
import type { HostClient } from '#host/methods'
import type { Link } from '#link/link'

export function createClient(link: Pick<Link, 'ask'>): HostClient {
  return new Proxy({} as HostClient, {
    get:
      (_, method) =>
      (...args: readonly unknown[]) =>
        link.ask(String(method), ...args),
  })
}
