/** A server that speaks the diff·log dialect, and web apps in front of it. */
import type { ServerOptions } from '@lockstep/server/config'
import { Client, type ClientOptions } from './difflog-client/client.ts'
import type { Diff, Star, Tldr } from './difflog-client/profile.ts'
import { type Metadata, Server } from './difflog-client/server.ts'
import { Stage } from './stage.ts'

export const PASSWORD = 'correct horse battery staple'

export const METADATA: Metadata = {
  name: 'Work',
  languages: ['Rust', 'TypeScript'],
  frameworks: ['Hono'],
  tools: [],
  topics: ['databases'],
  depth: 'deep',
  custom_focus: 'sync engines',
}

/** A diff of one day of 2026. */
export function diffOf(id: string, day: number): Diff {
  const generated_at = new Date(Date.UTC(2026, 0, day, 8)).toISOString()
  return { id, title: `Diff ${id}`, content: `# Day ${day}\n\n- news`, generated_at }
}

export function starOf(diff_id: string, p_index: number): Star {
  return { id: `${diff_id}:${p_index}`, diff_id, p_index, added_at: '2026-02-01T00:00:00Z' }
}

export function tldrOf(diff_id: string, p_index: number): Tldr {
  return { id: `${diff_id}:${p_index}`, diff_id, p_index, text: 'in short' }
}

export class DifflogStage extends Stage {
  static async set(options: ServerOptions = {}): Promise<DifflogStage> {
    const stage = new DifflogStage({ ...options, dialect: ['difflog'] })
    await stage.start()
    return stage
  }

  /** Its routes, without a client. */
  get server(): Server {
    return new Server(this.url, this.wire.fetch)
  }

  /** A profile that is on one device only. */
  local(id: string, options: Partial<ClientOptions> = {}): Client {
    const apiKeys = { anthropic: 'sk-secret' }
    return Client.local({ id, metadata: METADATA, apiKeys }, { server: this.server, ...options })
  }

  import(id: string, options: Partial<ClientOptions> = {}, password = PASSWORD): Promise<Client> {
    return Client.import(id, password, { server: this.server, ...options })
  }

  /** A shared profile with so many diffs, each starred once, and devices that hold it. */
  async devices(
    count: number,
    diffs: number,
    options: Partial<ClientOptions> = {},
  ): Promise<readonly [Client, Client, ...Client[]]> {
    const first = this.local('profile-1', options)
    for (let i = 1; i <= diffs; i++) {
      first.profile.put('diffs', diffOf(`d${i}`, i))
      first.profile.put('stars', starOf(`d${i}`, 0))
    }
    await first.share(PASSWORD)
    const others: Client[] = []
    for (let i = 1; i < count; i++) others.push(await this.import('profile-1', options))
    return [first, ...others] as [Client, Client, ...Client[]]
  }
}
