/**
 * Three devices of one vault and what they have written, made once and copied for each attack: ann and cat are honest and
 * honestly served; ben is the victim, in step with all but the news (attacks/news.ts).
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LockstepVault } from '@lockstep/model/schema'
import type { DeliveredSegment } from '@lockstep/protocol/records'
import type { HonestServer } from '../honest-server.ts'
import { HostileServer } from '../hostile-server.ts'
import type { Anchor } from '../shown-log.ts'
import { type Files, failure, NOW, openTestDevice, SERVER, type TestDevice } from './device.ts'
import { mergeThrough } from './merging.ts'

export const PASSWORD = 'correct horse'
const PASSPHRASE = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'
export const VICTIM = 'ben'

/**
 * What has become of the vault before the attack: with a passphrase or without one; or with one, and part of its log merged;
 * or with one, and a fourth device revoked.
 */
export type VaultKind = 'passphrase' | 'password' | 'merged' | 'rotated'

export function signInRequest(kind: VaultKind, name: string, intent: 'create' | 'join', password: string, vault = 'main') {
  return {
    server: SERVER,
    vault,
    password,
    intent,
    passphrase: kind === 'password' ? undefined : PASSPHRASE,
    passwordOnly: kind === 'password',
    deviceName: name,
  }
}

/** All that honest devices ever wrote into a note, so that anything else that shows up is somebody else's. */
export class Ledger {
  readonly #written = new Map<string, Set<string>>()
  readonly #deleted = new Set<string>()

  constructor(from?: Ledger) {
    if (from === undefined) return
    for (const [key, values] of from.#written) this.#written.set(key, new Set(values))
    for (const id of from.#deleted) this.#deleted.add(id)
  }

  note(vault: LockstepVault, id: string, title: string, text: string): void {
    vault.transact((tx) => tx.put('notes', id, { title, text }))
    this.#write(`${id} title`, title)
    this.#write(`${id} text`, text)
  }

  delete(vault: LockstepVault, id: string): void {
    vault.transact((tx) => tx.delete('notes', id))
    this.#deleted.add(id)
  }

  #write(key: string, value: string): void {
    const values = this.#written.get(key) ?? new Set(['', value])
    this.#written.set(key, values.add(value))
  }

  wasDeleted(id: string): boolean {
    return this.#deleted.has(id)
  }

  /** What a device shows that nobody wrote. */
  foreign(vault: LockstepVault): string[] {
    return notesOf(vault).flatMap(({ id, title, text }) =>
      [
        [`${id} title`, title],
        [`${id} text`, text],
      ].flatMap(([key = '', value = '']) => (this.#written.get(key)?.has(value) ? [] : [`${key}: ${value}`])),
    )
  }
}

export interface ShownNote {
  readonly id: string
  readonly title: string
  readonly text: string
}

export function notesOf(vault: LockstepVault): ShownNote[] {
  return vault.query('SELECT id, title, text FROM notes ORDER BY id').map((row) => ({
    id: String(row['id']),
    title: String(row['title']),
    text: String(row['text']),
  }))
}

export interface Victim {
  readonly hostile: HostileServer
  readonly ben: TestDevice
  readonly ledger: Ledger
  /** Where ben stands. */
  readonly anchor: Anchor
  close(): Promise<void>
}

export interface World extends Victim {
  readonly ann: TestDevice
  readonly cat: TestDevice
  /** What the revoked device has written since. */
  readonly accomplice: readonly DeliveredSegment[]
  /** A device more, without anything. */
  newcomer(name: string, wire?: boolean): Promise<TestDevice>
}

export class Worlds {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lockstep-hostile-'))
  readonly #kind: VaultKind
  readonly #homes = new Map<string, { path: string; files: Files }>()
  #ledger = new Ledger()
  #honest: HonestServer | undefined
  #anchor: Anchor | undefined
  #accomplice: readonly DeliveredSegment[] = []

  private constructor(kind: VaultKind) {
    this.#kind = kind
  }

  static async make(kind: VaultKind): Promise<Worlds> {
    const worlds = new Worlds(kind)
    await worlds.#write()
    return worlds
  }

  async #write(): Promise<void> {
    const hostile = new HostileServer({ seed: 'hostile', now: NOW, failure })
    const open = (name: string) => openTestDevice({ name, hostile, folder: this.#folder })
    const join = async (name: string, intent: 'create' | 'join') => {
      const device = await open(name)
      await device.device.signIn(signInRequest(this.#kind, name, intent, PASSWORD))
      return device
    }
    const [ann, ben, cat] = [await join('ann', 'create'), await join(VICTIM, 'join'), await join('cat', 'join')]
    const all = [ann, ben, cat]
    if (this.#kind === 'rotated') all.push(await join('dee', 'join'))
    for (const by of all) await by.device.sync()
    for (let i = 0; i < 4; i++) await this.#note(ann, `ann-${i}`, `ann ${i}`)
    // More than fits into one part of a merged segment.
    if (this.#kind === 'merged') for (let i = 0; i < 4; i++) await this.#note(ann, `big-${i}`, randomBytes(30_000).toString('hex'))
    await this.#note(ben, 'ben-0', 'ben 0')
    await ben.device.sync()
    await this.#note(ben, 'ann-0', 'ann 0, edited by ben')
    await cat.device.sync()
    await this.#note(cat, 'cat-0', 'cat 0')
    for (let round = 0; round < 2; round++) for (const by of all) await by.device.sync()
    this.#anchor = await hostile.anchor()
    await this.#note(ann, 'ann-4', 'ann 4')
    if (this.#kind === 'rotated') await this.#revoke(hostile, ann, all[3] as TestDevice)
    await this.#note(ann, 'ann-1', 'ann 1, edited')
    await cat.device.sync()
    await this.#note(cat, 'cat-1', 'cat 1')
    this.#ledger.delete(ann.device.vault, 'ann-2')
    await ann.device.sync()
    if (this.#kind === 'merged') await mergeThrough(ann, this.#anchor.sequence + 2)
    for (const by of [ann, ben, cat]) this.#keep(by)
    this.#honest = hostile.honest
    for (const by of all) await by.close()
  }

  async #note(by: TestDevice, id: string, title: string): Promise<void> {
    this.#ledger.note(by.device.vault, id, title, `the text of ${title}`)
    await by.device.sync()
  }

  #keep(device: TestDevice): void {
    const path = join(this.#folder, `${device.name}.db`)
    this.#homes.set(device.name, { path, files: device.save(path) })
  }

  /** Revokes `target`, which does not know it and goes on writing to a copy of the server that does not, either. */
  async #revoke(hostile: HostileServer, by: TestDevice, target: TestDevice): Promise<void> {
    await by.device.sync()
    const before = hostile.honest.journal.length
    await by.device.revokeDevice({ id: target.device.id, currentPassword: PASSWORD })
    const side = new HostileServer({ seed: 'side', now: NOW, failure })
    const kept = hostile.honest.journal.slice(0, before)
    side.moveTo(await hostile.honest.replay((entry) => kept.includes(entry)))
    this.#keep(target)
    const home = this.#homes.get(target.name)
    const accomplice = await openTestDevice({ name: target.name, hostile: side, folder: this.#folder, home })
    accomplice.device.vault.transact((tx) => tx.put('notes', 'dee-1', { title: 'by a revoked device', text: '' }))
    await accomplice.device.sync()
    this.#accomplice = (await side.honest.log()).segments.slice(-1)
    await accomplice.close()
    await side.close()
  }

  async #server(): Promise<HostileServer> {
    const hostile = new HostileServer({ seed: 'hostile', now: NOW, failure })
    hostile.moveTo(await (this.#honest as HonestServer).replay(() => true))
    return hostile
  }

  #open(hostile: HostileServer, name: string, wire = false): Promise<TestDevice> {
    return openTestDevice({ name, hostile, folder: this.#folder, home: this.#homes.get(name), wire })
  }

  /** A server and the victim. */
  async copyVictim(): Promise<Victim> {
    const hostile = await this.#server()
    const ben = await this.#open(hostile, VICTIM)
    const close = async () => {
      await ben.close()
      await hostile.close()
    }
    return { hostile, ben, ledger: new Ledger(this.#ledger), anchor: this.#anchor as Anchor, close }
  }

  /** A world of its own for each attack. `wire`: the victim's connection is real. */
  async copy(wire = false): Promise<World> {
    const hostile = await this.#server()
    const [ann, ben, cat] = [
      await this.#open(hostile, 'ann'),
      await this.#open(hostile, VICTIM, wire),
      await this.#open(hostile, 'cat'),
    ]
    const others: TestDevice[] = []
    return {
      hostile,
      ann,
      ben,
      cat,
      ledger: new Ledger(this.#ledger),
      anchor: this.#anchor as Anchor,
      accomplice: this.#accomplice,
      newcomer: async (name, own = false) => {
        const device = await openTestDevice({ name, hostile, folder: this.#folder, wire: own })
        others.push(device)
        return device
      },
      close: async () => {
        for (const device of [ann, ben, cat, ...others]) await device.close()
        await hostile.close()
      },
    }
  }

  async close(): Promise<void> {
    await this.#honest?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
