/**
 * The web app on one device: shares its profile or imports one, works without a connection, downloads and then uploads when it
 * syncs. It holds the password only after a sync went well, and forgets it when the server calls it wrong.
 */
import { KINDS, type Kind, type Pending, Profile, type ProfileOptions } from './profile.ts'
import { collectionHash, contentKey, decrypt, encrypt, makeSalt, transportHash } from './sealing.ts'
import { type Hashes, RefusedError, type SealedItem, type Server } from './server.ts'

export type SyncState = 'local' | 'not on server' | 'pending' | 'synced'

export interface ClientOptions {
  readonly server: Server
  /** Asks the person for the password; undefined when they turn it down. */
  readonly ask?: () => Promise<string | undefined>
  /** The browser keeps the password beyond the session. */
  readonly remember?: boolean
  /** Unix milliseconds. */
  readonly clock?: () => number
}

export interface Downloaded {
  readonly skipped: readonly Kind[]
  readonly added: number
  readonly removed: number
  /** Items that this password does not open. */
  readonly unreadable: number
}

export interface Uploaded {
  /** Items sent; undefined when there was nothing to tell. */
  readonly sent: Readonly<Record<Kind, number>> | undefined
  readonly selective: boolean
}

const isWrongPassword = (error: unknown) =>
  error instanceof RefusedError && error.status === 401 && error.body['error'] === 'Invalid password'

export class Client {
  readonly profile: Profile
  readonly #server: Server
  readonly #ask: () => Promise<string | undefined>
  readonly #remember: boolean
  readonly #clock: () => number
  #sessionPassword: string | undefined
  #rememberedPassword: string | undefined
  #needsPassword = false
  #key: { readonly password: string; readonly salt: string; readonly key: Promise<Buffer> } | undefined

  constructor(profile: Profile, { server, ask = async () => undefined, remember = false, clock = Date.now }: ClientOptions) {
    this.profile = profile
    this.#server = server
    this.#ask = ask
    this.#remember = remember
    this.#clock = clock
  }

  /** A profile that nobody else knows of yet. */
  static local(profile: ProfileOptions, options: ClientOptions): Client {
    return new Client(new Profile(profile), options)
  }

  /** A profile of another device. @throws RefusedError for an unknown profile or a wrong password. */
  static async import(id: string, password: string, options: ClientOptions): Promise<Client> {
    const { server } = options
    const shared = await server.shared(id)
    const found = await server.profile(id, transportHash(password, shared.password_salt))
    const key = await contentKey(password, found.salt)
    const apiKeys = decrypt(key, found.encrypted_api_key) as Readonly<Record<string, string>>
    const { name, languages, frameworks, tools, topics, depth, custom_focus } = found
    const metadata = { name, languages, frameworks, tools, topics, depth, custom_focus }
    const client = new Client(new Profile({ id, metadata, apiKeys }), options)
    client.profile.passwordSalt = shared.password_salt
    client.profile.salt = found.salt
    await client.download(password)
    client.#synced(password)
    return client
  }

  static async importByCode(code: string, password: string, options: ClientOptions): Promise<Client> {
    return Client.import(await options.server.takeShareCode(code), password, options)
  }

  get state(): SyncState {
    const { syncedAt, hasPending } = this.profile
    if (syncedAt === undefined) return 'local'
    if (syncedAt === null) return 'not on server'
    return this.#needsPassword || hasPending ? 'pending' : 'synced'
  }

  get cachedPassword(): string | undefined {
    return this.#sessionPassword ?? this.#rememberedPassword
  }

  /** The browser was closed and opened again. */
  endSession(): void {
    this.#sessionPassword = undefined
  }

  /** Creates the profile on the server and uploads everything. */
  async share(password: string): Promise<void> {
    const { profile } = this
    const [passwordSalt, salt] = [makeSalt(), makeSalt()]
    const key = await contentKey(password, salt)
    await this.#server.create({
      ...profile.metadata,
      custom_focus: profile.metadata.custom_focus ?? '',
      id: profile.id,
      password_hash: transportHash(password, passwordSalt),
      encrypted_api_key: encrypt(key, profile.apiKeys),
      salt,
      keys_hash: this.#keysHash(),
    })
    profile.passwordSalt = passwordSalt
    profile.salt = salt
    profile.markAllModified()
    await this.upload(password)
    this.#synced(password)
  }

  /** Without a cached password it does nothing. @returns whether it synced. */
  async autoSync(): Promise<boolean> {
    const password = this.cachedPassword
    if (password === undefined) return false
    return this.#syncWith(password)
  }

  /** As the person presses the button: asks for the password when none is cached. */
  async sync(): Promise<boolean> {
    const password = this.cachedPassword ?? (await this.#ask())
    if (password === undefined) return false
    return this.#syncWith(password)
  }

  /** Whether the server's state differs from this device's; without a password. */
  async isStale(): Promise<boolean> {
    const status = await this.#server.status(this.profile.id)
    if (!status.exists) {
      this.profile.syncedAt = null
      return false
    }
    const hashes = this.#hashes()
    return status.diffs_hash !== hashes.diffs_hash || status.stars_hash !== hashes.stars_hash
  }

  async download(password: string): Promise<Downloaded> {
    const { profile } = this
    const content = await this.#server.content(profile.id, this.#transportHash(password), {
      ...this.#hashes(),
      keys_hash: this.#keysHash(),
    })
    profile.salt = content.salt
    const key = await this.#contentKey(password)
    const skipped: Kind[] = []
    const totals = { added: 0, removed: 0, unreadable: 0 }
    for (const kind of KINDS) {
      if (content[`${kind}_skipped`] === true) {
        skipped.push(kind)
      } else {
        const counts = this.#merge(kind, content[kind], key)
        totals.added += counts.added
        totals.removed += counts.removed
        totals.unreadable += counts.unreadable
      }
      if (profile.pending.modified[kind].size === 0 && profile.pending.deleted[kind].size === 0) {
        profile.syncedHashes[kind] = collectionHash(profile.all(kind))
      }
    }
    if (content.encrypted_api_key !== undefined && !profile.pending.keysModified) {
      profile.apiKeys = decrypt(key, content.encrypted_api_key) as Readonly<Record<string, string>>
    }
    if (!profile.pending.profileModified) profile.metadata = content.profile
    return { skipped, ...totals }
  }

  /** Adds what only the server has, and takes away what it has no more; what is pending here stays as it is. */
  #merge(kind: Kind, items: readonly SealedItem[], key: Buffer): Omit<Downloaded, 'skipped'> {
    const { profile } = this
    const counts = { added: 0, removed: 0, unreadable: 0 }
    const { modified, deleted } = profile.pending
    for (const { id, encrypted_data } of items) {
      if (profile.has(kind, id) || deleted[kind].has(id)) continue
      try {
        profile.take(kind, decrypt(key, encrypted_data) as never)
        counts.added += 1
      } catch {
        counts.unreadable += 1
      }
    }
    const onServer = new Set(items.map(({ id }) => id))
    for (const id of profile.ids(kind)) {
      if (onServer.has(id) || modified[kind].has(id)) continue
      profile.drop(kind, id)
      counts.removed += 1
    }
    return counts
  }

  /** Everything, unless the server is as this device left it: then only what changed since. */
  async upload(password: string): Promise<Uploaded> {
    const { profile } = this
    if (!profile.hasPending) return { sent: undefined, selective: false }
    const status = await this.#server.status(profile.id)
    const { syncedHashes } = profile
    const selective = status.diffs_hash === syncedHashes.diffs && status.stars_hash === syncedHashes.stars
    const key = await this.#contentKey(password)
    const pending = profile.startUpload()
    try {
      const hashes = this.#hashes()
      const listed = (kind: Kind) =>
        profile
          .all(kind)
          .filter(({ id }) => !selective || pending.modified[kind].has(id))
          .map((item) => this.#seal(kind, item, key))
      const [diffs, stars, tldrs] = [listed('diffs'), listed('stars'), listed('tldrs')]
      await this.#server.sync(profile.id, this.#transportHash(password), {
        ...hashes,
        diffs,
        stars,
        tldrs,
        deleted_diff_ids: [...pending.deleted.diffs],
        deleted_star_ids: [...pending.deleted.stars],
        deleted_tldr_ids: [...pending.deleted.tldrs],
        ...this.#settings(pending, key),
      })
      syncedHashes.diffs = hashes.diffs_hash
      syncedHashes.stars = hashes.stars_hash
      syncedHashes.tldrs = hashes.tldrs_hash
      return { sent: { diffs: diffs.length, stars: stars.length, tldrs: tldrs.length }, selective }
    } catch (error) {
      profile.putBack(pending)
      throw error
    }
  }

  #settings({ profileModified, keysModified }: Pending, key: Buffer) {
    const { metadata, apiKeys } = this.profile
    return {
      ...(profileModified ? { profile: metadata } : {}),
      ...(keysModified ? { encrypted_api_key: encrypt(key, apiKeys), keys_hash: this.#keysHash() } : {}),
    }
  }

  /** Everything under a new key. What the server has and this device has not would stay under the old one: download first. */
  async changePassword(old: string, next: string): Promise<void> {
    await this.download(old)
    const { profile } = this
    const [passwordSalt, salt] = [makeSalt(), makeSalt()]
    const key = await contentKey(next, salt)
    const sealed = (kind: Kind) => profile.all(kind).map((item) => this.#seal(kind, item, key))
    await this.#server.changePassword(profile.id, {
      old_password_hash: this.#transportHash(old),
      new_password_hash: transportHash(next, passwordSalt),
      new_encrypted_api_key: encrypt(key, profile.apiKeys),
      new_salt: salt,
      diffs: sealed('diffs'),
      stars: sealed('stars'),
      tldrs: sealed('tldrs'),
    })
    profile.passwordSalt = passwordSalt
    profile.salt = salt
    this.#synced(next)
  }

  async removeFromServer(password: string): Promise<void> {
    await this.#server.remove(this.profile.id, this.#transportHash(password))
    this.profile.syncedAt = null
  }

  /** Anybody with the link can read it. */
  publish(id: string): void {
    const diff = this.profile.all('diffs').find((item) => item.id === id)
    if (diff !== undefined) this.profile.put('diffs', { ...diff, isPublic: true, profile_name: this.profile.metadata.name })
  }

  unpublish(id: string): void {
    const diff = this.profile.all('diffs').find((item) => item.id === id)
    if (diff === undefined) return
    const { isPublic: _, profile_name: __, ...rest } = diff
    this.profile.put('diffs', rest)
  }

  async #syncWith(password: string): Promise<boolean> {
    try {
      await this.#learnSalt()
      await this.download(password)
      await this.upload(password)
    } catch (error) {
      if (isWrongPassword(error)) {
        this.#sessionPassword = undefined
        this.#rememberedPassword = undefined
        this.#needsPassword = true
        return false
      }
      throw error
    }
    this.#synced(password)
    return true
  }

  /** After a wrong password the salt may be another one: it changes with the password. */
  async #learnSalt(): Promise<void> {
    if (!this.#needsPassword && this.profile.passwordSalt !== undefined) return
    this.profile.passwordSalt = (await this.#server.shared(this.profile.id)).password_salt
  }

  #synced(password: string): void {
    this.#sessionPassword = password
    if (this.#remember) this.#rememberedPassword = password
    this.#needsPassword = false
    this.profile.syncedAt = new Date(this.#clock()).toISOString()
  }

  #seal(kind: Kind, item: { readonly id: string; readonly isPublic?: boolean }, key: Buffer): SealedItem {
    const open = kind === 'diffs' && item.isPublic === true
    return { id: item.id, encrypted_data: open ? JSON.stringify(item) : encrypt(key, item) }
  }

  #hashes(): Required<Omit<Hashes, 'keys_hash'>> {
    const { profile } = this
    return {
      diffs_hash: collectionHash(profile.all('diffs')),
      stars_hash: collectionHash(profile.all('stars')),
      tldrs_hash: collectionHash(profile.all('tldrs')),
    }
  }

  #keysHash(): string {
    return collectionHash([{ id: 'keys', ...this.profile.apiKeys }])
  }

  #transportHash(password: string): string {
    const { passwordSalt } = this.profile
    if (passwordSalt === undefined) throw new Error('share or import the profile first')
    return transportHash(password, passwordSalt)
  }

  #contentKey(password: string): Promise<Buffer> {
    const { salt } = this.profile
    if (salt === undefined) throw new Error('share or import the profile first')
    if (this.#key?.password !== password || this.#key.salt !== salt) {
      this.#key = { password, salt, key: contentKey(password, salt) }
    }
    return this.#key.key
  }
}
