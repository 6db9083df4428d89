/** The vault as the interface sees it: every method of the host, asked through the link. */
import type { HostClient } from '#host/methods'
import type { Link } from '#link/link'
import type { HostError } from '#link/messages'
import { PART_MISSING } from '#loading/load-part'

/** @param onMissing the host could not load a part of itself */
export function createClient(link: Pick<Link, 'ask'>, onMissing: () => void): HostClient {
  const ask = async (method: string, args: readonly unknown[]) => {
    try {
      return await link.ask(method, ...args)
    } catch (error) {
      if ((error as HostError).code === PART_MISSING) onMissing()
      throw error
    }
  }
  return new Proxy({} as HostClient, {
    get:
      (_, method) =>
      (...args: readonly unknown[]) =>
        ask(String(method), args),
  })
}
