/** Hosts whose images this browser fetches: the person allowed each. */
import { createChoice } from '#local/choice'
import { browserShelf } from '#local/shelf'

const hosts = createChoice<ReadonlySet<string>>({
  shelf: browserShelf,
  name: 'image-hosts',
  parse: (json) => new Set(Array.isArray(json) ? json.filter((host) => typeof host === 'string') : []),
  toJson: (allowed) => [...allowed],
})

export const useImageHosts = hosts.use

export const allowImageHost = (host: string): void => hosts.set(new Set([...hosts.current(), host]))
