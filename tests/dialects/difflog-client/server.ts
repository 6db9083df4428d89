/** The server's routes, as web app and CLI call them. */

/** The server answered something else than success. */
export class RefusedError extends Error {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  constructor(request: string, status: number, body: Readonly<Record<string, unknown>>) {
    super(`${request}: ${status} ${JSON.stringify(body).slice(0, 200)}`)
    this.name = 'RefusedError'
    this.status = status
    this.body = body
  }
}

export interface Metadata {
  readonly name: string
  readonly languages: readonly string[]
  readonly frameworks: readonly string[]
  readonly tools: readonly string[]
  readonly topics: readonly string[]
  readonly depth: string
  readonly custom_focus: string | null
}

export interface SharedProfile extends Omit<Metadata, 'custom_focus'> {
  readonly id: string
  readonly password_salt: string
}

export interface Status {
  readonly exists: boolean
  readonly diffs_hash?: string | null
  readonly stars_hash?: string | null
  readonly tldrs_hash?: string | null
  readonly keys_hash?: string | null
  readonly content_updated_at?: string | null
}

export interface ServerProfile extends Metadata {
  readonly id: string
  readonly encrypted_api_key: string
  readonly salt: string
  readonly resolved_sources: unknown
  readonly content_updated_at: string | null
  readonly encrypted_diffs?: readonly string[]
  readonly encrypted_stars?: readonly string[]
}

export interface SealedItem {
  readonly id: string
  readonly encrypted_data: string
}

export interface Hashes {
  readonly diffs_hash?: string
  readonly stars_hash?: string
  readonly tldrs_hash?: string
  readonly keys_hash?: string
}

export interface Content {
  readonly diffs: readonly SealedItem[]
  readonly stars: readonly SealedItem[]
  readonly tldrs: readonly SealedItem[]
  readonly diffs_skipped?: true
  readonly stars_skipped?: true
  readonly tldrs_skipped?: true
  readonly keys_skipped?: true
  readonly encrypted_api_key?: string
  readonly salt: string
  readonly profile: Metadata
}

export interface Upload extends Hashes {
  readonly diffs?: readonly SealedItem[]
  readonly stars?: readonly SealedItem[]
  readonly tldrs?: readonly SealedItem[]
  readonly deleted_diff_ids?: readonly string[]
  readonly deleted_star_ids?: readonly string[]
  readonly deleted_tldr_ids?: readonly string[]
  readonly encrypted_api_key?: string
  readonly profile?: Metadata
}

export interface Uploaded extends Hashes {
  readonly success: true
  readonly synced: Readonly<Record<'diffs' | 'stars' | 'tldrs' | 'deleted_diffs' | 'deleted_stars' | 'deleted_tldrs', number>>
}

export interface NewProfile extends Partial<Metadata> {
  readonly id?: string
  readonly name: string
  readonly password_hash: string
  readonly encrypted_api_key: string
  readonly salt: string
  readonly keys_hash?: string
}

export interface NewPassword {
  readonly old_password_hash: string
  readonly new_password_hash: string
  readonly new_encrypted_api_key: string
  readonly new_salt: string
  readonly diffs: readonly SealedItem[]
  readonly stars: readonly SealedItem[]
  readonly tldrs: readonly SealedItem[]
}

export interface PublicDiff {
  readonly id: string
  readonly content: string
  readonly title: string
  readonly generated_at: string
  readonly profile_name: string
  readonly window_days?: number
}

export class Server {
  readonly #url: string
  readonly #fetch: typeof fetch

  constructor(url: string, send: typeof fetch = fetch) {
    this.#url = url
    this.#fetch = send
  }

  /** @throws RefusedError */
  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const content = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await this.#fetch(`${this.#url}/api${path}`, { method, ...content })
    const answer = (await response.json()) as Readonly<Record<string, unknown>>
    if (!response.ok) throw new RefusedError(`${method} ${path.replace(/\?.*/, '')}`, response.status, answer)
    return answer as T
  }

  create(profile: NewProfile): Promise<{ readonly id: string; readonly name: string }> {
    return this.#ask('POST', '/profile/create', profile)
  }

  shared(id: string): Promise<SharedProfile> {
    return this.#ask('GET', `/share/${encodeURIComponent(id)}`)
  }

  status(id: string): Promise<Status> {
    return this.#ask('GET', `/profile/${encodeURIComponent(id)}/status`)
  }

  profile(id: string, hash: string, includeData = false): Promise<ServerProfile> {
    const query = new URLSearchParams({ password_hash: hash, ...(includeData ? { include_data: 'true' } : {}) })
    return this.#ask('GET', `/profile/${encodeURIComponent(id)}?${query}`)
  }

  remove(id: string, hash: string): Promise<{ readonly success: true }> {
    return this.#ask('DELETE', `/profile/${encodeURIComponent(id)}?${new URLSearchParams({ password_hash: hash })}`)
  }

  content(id: string, hash: string, hashes: Hashes): Promise<Content> {
    return this.#ask('POST', `/profile/${encodeURIComponent(id)}/content`, { password_hash: hash, ...hashes })
  }

  sync(id: string, hash: string, upload: Upload): Promise<Uploaded> {
    return this.#ask('POST', `/profile/${encodeURIComponent(id)}/sync`, { password_hash: hash, ...upload })
  }

  changePassword(id: string, change: NewPassword): Promise<{ readonly success: true }> {
    return this.#ask('POST', `/profile/${encodeURIComponent(id)}/password`, change)
  }

  publicDiff(id: string): Promise<PublicDiff> {
    return this.#ask('GET', `/diff/${encodeURIComponent(id)}/public`)
  }

  /** Four characters that another device types in within two minutes. */
  async makeShareCode(id: string): Promise<string> {
    return (await this.#ask<{ code: string }>('POST', '/share-code', { profile_id: id })).code
  }

  async takeShareCode(code: string): Promise<string> {
    return (await this.#ask<{ profile_id: string }>('GET', `/share-code/${encodeURIComponent(code)}`)).profile_id
  }

  /** The web app's part of a CLI sign-in. */
  handOver(code: string, session: string, expires: number): Promise<{ readonly ok: true }> {
    return this.#ask('POST', `/cli/auth/${code}`, { encrypted_session: session, expires })
  }

  /** The CLI's part: undefined as long as nothing was handed over. */
  async takeOver(code: string): Promise<string | undefined> {
    return (await this.#ask<{ pending?: true; session?: string }>('GET', `/cli/auth/${code}`)).session
  }
}
