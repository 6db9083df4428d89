/**
 * One installation of the desktop app: signs in, works without a connection, and gets in step when it is told to.
 *
 * To get in step it compares the hashes of blocks of 16 operations, finds the first that differs, fetches every operation from
 * there on, and sends those of its own that were not among them. Files go up before the operations that name them, and come
 * down after.
 */
import { randomUUID } from 'node:crypto'
import { open, seal } from './envelope.ts'
import { deriveKey as derive, hashKey, isHashOfKey, makePassphrase } from './keys.ts'
import { Notebook, type View } from './notebook.ts'
import { blocksOf, type Change, checksumOf, type Note, type Operation, type Space } from './operation.ts'
import { type Connection, ContractError, SyncServer, type WireOperation } from './server.ts'
import { nanosOf, textOf } from './time.ts'

const OPERATIONS_PER_BLOCK = 16
const NO_AVATAR = '00000000-0000-0000-0000-000000000000'

/** Password or passphrase are not those of this server's user. */
export class WrongSecretError extends Error {}

interface Entry {
  readonly operation: Operation
  readonly nanos: bigint
  readonly checksum: Buffer
}

export interface Synced {
  /** Operations that the server sent, also those that were known. */
  readonly fetched: number
  readonly applied: number
  readonly pushed: number
}

export interface DeviceOptions extends Connection {
  /** Nanoseconds since 1970. */
  readonly now?: () => bigint
  /** A new UUID. */
  readonly newId?: () => string
  /** In place of the slow one. */
  readonly deriveKey?: typeof derive
}

const wallClock = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n

const byTime = (a: Entry, b: Entry) => {
  if (a.nanos !== b.nanos) return a.nanos < b.nanos ? -1 : 1
  return a.operation.id < b.operation.id ? -1 : 1
}

export class Device {
  readonly #server: SyncServer
  readonly #now: () => bigint
  readonly #newId: () => string
  readonly #derive: typeof derive
  readonly #notebook = new Notebook()
  readonly #known = new Map<string, Entry>()
  /** In order of time. */
  #log: Entry[] = []
  /** Contents of the files that are on this device. */
  readonly #files = new Map<string, Buffer>()
  #key: Buffer | undefined

  constructor({ now = wallClock, newId = randomUUID, deriveKey = derive, ...connection }: DeviceOptions) {
    this.#server = new SyncServer(connection)
    this.#now = now
    this.#newId = newId
    this.#derive = deriveKey
  }

  get view(): View {
    return this.#notebook.view
  }

  get operations(): readonly Operation[] {
    return this.#log.map(({ operation }) => operation)
  }

  fileContent(id: string): Buffer | undefined {
    return this.#files.get(id)
  }

  /**
   * The first device of all gives only the password and gets the passphrase that the next ones need.
   *
   * @throws WrongSecretError when they are not the ones that the server's user signed up with.
   */
  async signIn(password: string, passphrase?: string): Promise<{ readonly created: boolean; readonly passphrase: string }> {
    await this.#server.checkAccess()
    const user = await this.#server.user()
    if (user === undefined) {
      const chosen = passphrase ?? makePassphrase()
      const key = await this.#derive(password, chosen)
      await this.#server.initialise({ id: this.#newId(), secretKeyHash: hashKey(key) })
      this.#key = key
      return { created: true, passphrase: chosen }
    }
    if (passphrase === undefined) throw new WrongSecretError('this server has a user: the passphrase is needed too')
    const key = await this.#derive(password, passphrase)
    if (!isHashOfKey(user.secretKeyHash, key)) throw new WrongSecretError('wrong password or passphrase')
    this.#key = key
    return { created: false, passphrase }
  }

  /** The person signed in at the gate again. */
  useToken(token: string): void {
    this.#server.useToken(token)
  }

  /** Does something now; @returns when, as text. */
  record(change: (at: string) => Change): Operation {
    const created_at = textOf(this.#now())
    const operation = { id: this.#newId(), created_at, operation: change(created_at) }
    this.#add(operation, checksumOf(operation))
    return operation
  }

  createSpace(name: string): string {
    const id = this.#newId()
    const space = (at: string): Space => ({ id, name, avatar_id: NO_AVATAR, created_at: at, updated_at: at, is_deleted: false })
    this.record((at) => ({ CreateSpace: space(at) }))
    return id
  }

  renameSpace(space: Space, name: string): void {
    this.record((at) => ({ UpdateSpace: { ...space, name, updated_at: at } }))
  }

  createNote(space_id: string, text: string): string {
    const id = this.#newId()
    this.record((at) => ({ CreateNote: { id, text, created_at: at, updated_at: at, space_id, is_deleted: false } }))
    return id
  }

  editNote(note: Note, text: string): void {
    this.record((at) => ({ UpdateNote: { ...note, text, updated_at: at } }))
  }

  attach(note: string, name: string, content: Uint8Array): string {
    const id = this.#newId()
    this.#files.set(id, Buffer.from(content))
    this.record((at) => ({ CreateFile: { id, name, path: name, created_at: at, updated_at: at, is_deleted: false } }))
    this.record(() => ({ SetNoteFiles: [note, [...(this.view.attached[note] ?? []), id]] }))
    return id
  }

  async sync(): Promise<Synced> {
    await this.#uploadFiles()
    const skip = await this.#inStepUpTo()
    const remote = await this.#server.operations(skip)
    const theirs = new Set(remote.map(({ id }) => id))
    const opened = this.#openAll(remote)
    const unknown = opened.filter(({ operation }) => !this.#known.has(operation.id))
    const own = this.#log.slice(skip).filter(({ operation }) => !theirs.has(operation.id))
    if (own.length > 0) await this.#server.push(own.map((entry) => this.#sealed(entry)))
    for (const { operation, checksum } of unknown) this.#add(operation, checksum)
    await this.#downloadFiles()
    return { fetched: remote.length, applied: unknown.length, pushed: own.length }
  }

  /** Number of operations, from the first, that device and server have alike, rounded down to whole blocks. */
  async #inStepUpTo(): Promise<number> {
    const theirs = await this.#server.blocks(OPERATIONS_PER_BLOCK)
    const ours = blocksOf(
      this.#log.map(({ checksum }) => checksum),
      OPERATIONS_PER_BLOCK,
    )
    const differs = ours.findIndex((block, i) => !block.equals(theirs[i] ?? Buffer.alloc(0)))
    if (differs >= 0) return differs * OPERATIONS_PER_BLOCK
    return Math.min(this.#log.length, ours.length * OPERATIONS_PER_BLOCK)
  }

  /** @throws ContractError for what is not in order, not about itself, or not what it was under this id. */
  #openAll(remote: readonly WireOperation[]): Entry[] {
    const entries = remote.map(({ id, createdAt, data, checksum }) => {
      const operation = JSON.parse(open(this.#secret, data).toString('utf8')) as Operation
      if (operation.id !== id) throw new ContractError(`operation ${operation.id} came under the id ${id}`)
      const own = checksumOf(operation)
      if (!own.equals(checksum)) throw new ContractError(`operation ${id} came with a wrong checksum`)
      if (operation.created_at !== createdAt) throw new ContractError(`operation ${id} came with the time ${createdAt}`)
      if (this.#known.get(id)?.checksum.equals(own) === false) throw new ContractError(`operation ${id} is another one here`)
      return { operation, nanos: nanosOf(createdAt), checksum: own }
    })
    entries.forEach((entry, i) => {
      const before = entries[i - 1]
      if (before !== undefined && byTime(before, entry) >= 0) throw new ContractError('operations came out of order')
    })
    return entries
  }

  #sealed({ operation, checksum }: Entry): WireOperation {
    const data = seal(this.#secret, Buffer.from(JSON.stringify(operation), 'utf8'))
    return { id: operation.id, createdAt: operation.created_at, data, checksum }
  }

  #add(operation: Operation, checksum: Buffer): void {
    if (this.#known.has(operation.id)) return
    const entry = { operation, nanos: nanosOf(operation.created_at), checksum }
    this.#known.set(operation.id, entry)
    this.#log = [...this.#log, entry].sort(byTime)
    this.#notebook.apply(operation)
  }

  async #uploadFiles(): Promise<void> {
    for (const { id } of this.view.files) {
      const content = this.#files.get(id)
      if (content === undefined || (await this.#server.hasFile(id))) continue
      await this.#server.upload(id, seal(this.#secret, content))
    }
  }

  async #downloadFiles(): Promise<void> {
    for (const { id } of this.view.files) {
      if (this.#files.has(id)) continue
      const envelope = await this.#server.download(id)
      if (envelope !== undefined) this.#files.set(id, open(this.#secret, envelope))
    }
  }

  get #secret(): Buffer {
    if (this.#key === undefined) throw new WrongSecretError('sign in first')
    return this.#key
  }
}
