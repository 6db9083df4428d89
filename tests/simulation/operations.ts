/** What people and the world do in the simulation, and how often. Each takes its decisions from its own seed. */
import type { Random } from '../support/random.ts'
import type { Process, SimulatedDevice } from './device.ts'
import type { Ledger } from './ledger.ts'
import { type RecordingTransaction, record } from './recording.ts'

const DAYS = ['2026-01-01', '2026-01-02', '2026-01-03']
const WORDS = ['ada', 'basic', 'c', 'dart', 'elm', 'forth']
/** Notes that several devices import by themselves from the same files. */
const IMPORTED = 4
const FIRST_FILE_CHARACTER = 0x3041
const PROFILE = 'profile'

export interface Writer {
  readonly device: SimulatedDevice
  readonly process: Process
  readonly random: Random
  readonly ledger: Ledger
  /** An older app, without stars and pins. */
  readonly older: boolean
}

type Write = (writer: Writer) => string

function pickRow({ process, random }: Writer, from: string): string | undefined {
  const rows = process.vault.query(`SELECT id FROM ${from} ORDER BY id`)
  return rows.length === 0 ? undefined : String(random.pick(rows)['id'])
}

const DEAD = (table: string) => `(SELECT id FROM all_${table} WHERE _deleted = 1)`

/** Runs `body` on a row of `from`; says so where there is none. */
function onRow(writer: Writer, from: string, body: (tx: RecordingTransaction, id: string) => void): string {
  const id = pickRow(writer, from)
  if (id === undefined) return 'nothing there'
  record(writer, (tx) => body(tx, id))
  return id
}

/** Eight characters that no other text has. */
function fileText(file: number): string {
  return Array.from({ length: 8 }, (_, i) => String.fromCodePoint(FIRST_FILE_CHARACTER + file * 8 + i)).join('')
}

function freshId(random: Random): string {
  return `r${random.u32().toString(36)}${random.u32().toString(36)}`
}

function typed(ledger: Ledger, count: number): string {
  return Array.from({ length: count }, () => ledger.newCharacter()).join('')
}

/** The text with some of it kept, some taken out and some put in. */
function edited(text: string, { random, ledger }: Writer): string {
  const style = random.below(10)
  if (style === 0) return typed(ledger, random.between(0, 4))
  const drop = style < 4 ? 0 : style < 8 ? 0.2 : 0.6
  const add = style < 8 ? 0.15 : 0
  let out = random.chance(0.5) ? typed(ledger, random.between(0, 3)) : ''
  for (const character of text) {
    if (!random.chance(drop)) out += character
    if (random.chance(add)) out += typed(ledger, random.between(1, 3))
  }
  return random.chance(0.5) ? out + typed(ledger, 1) : out
}

export const writes: Readonly<Record<string, { readonly weight: number; readonly run: Write }>> = {
  addSpace: {
    weight: 4,
    run: (writer) => {
      const { random } = writer
      const id = freshId(random)
      record(writer, (tx) => tx.put('spaces', id, { name: freshId(random), createdAt: random.u32() }))
      return id
    },
  },
  renameSpace: {
    weight: 3,
    run: (writer) => onRow(writer, 'spaces', (tx, id) => tx.put('spaces', id, { name: freshId(writer.random) })),
  },
  deleteSpace: { weight: 2, run: (writer) => onRow(writer, 'spaces', (tx, id) => tx.delete('spaces', id)) },
  restoreSpace: { weight: 1, run: (writer) => onRow(writer, DEAD('spaces'), (tx, id) => tx.put('spaces', id, {})) },
  addNote: {
    weight: 14,
    run: (writer) => {
      const { random, ledger } = writer
      const id = freshId(random)
      const space = pickRow(writer, 'all_spaces') ?? null
      const text = typed(ledger, random.between(0, 6))
      record(writer, (tx) => tx.put('notes', id, { space, title: freshId(random), text, createdAt: random.u32() }))
      return `${id} "${text}"`
    },
  },
  editNote: {
    weight: 36,
    run: (writer) => {
      const id = pickRow(writer, 'all_notes')
      if (id === undefined) return 'nothing there'
      let change = ''
      record(writer, (tx) => {
        const before = String(tx.get('notes', id)?.['text'] ?? '')
        const text = edited(before, writer)
        change = `"${before}" → "${text}"`
        tx.put('notes', id, { text })
      })
      return `${id} ${change}`
    },
  },
  retitleNote: {
    weight: 8,
    run: (writer) => onRow(writer, 'notes', (tx, id) => tx.put('notes', id, { title: freshId(writer.random) })),
  },
  pinNote: {
    weight: 4,
    run: (writer) =>
      writer.older
        ? 'not in this version'
        : onRow(writer, 'notes', (tx, id) => tx.put('notes', id, { pinned: writer.random.u32() })),
  },
  moveNote: {
    weight: 4,
    run: (writer) => {
      const space = pickRow(writer, 'spaces')
      return space === undefined ? 'nothing there' : onRow(writer, 'notes', (tx, id) => tx.put('notes', id, { space }))
    },
  },
  importNote: {
    weight: 5,
    run: (writer) => {
      const { random, ledger } = writer
      const file = random.below(IMPORTED)
      const id = `file-${file}`
      // The same file at every device; now and then another file under the same name.
      const text = random.chance(0.3) ? typed(ledger, 3) : fileText(file)
      let done = 'is there already'
      record(writer, (tx) => {
        if (tx.get('notes', id) !== undefined) return
        tx.put('notes', id, { title: freshId(random), text })
        done = `"${text}"`
      })
      return `${id} ${done}`
    },
  },
  deleteNote: { weight: 5, run: (writer) => onRow(writer, 'notes', (tx, id) => tx.delete('notes', id)) },
  restoreNote: { weight: 3, run: (writer) => onRow(writer, DEAD('notes'), (tx, id) => tx.put('notes', id, {})) },
  purgeNote: { weight: 1, run: (writer) => onRow(writer, DEAD('notes'), (tx, id) => tx.purge('notes', id)) },
  purgeSpace: { weight: 1, run: (writer) => onRow(writer, DEAD('spaces'), (tx, id) => tx.purge('spaces', id)) },
  addDiff: {
    weight: 4,
    run: (writer) => {
      const { process, random } = writer
      const id = freshId(random)
      const date = random.pick(DAYS)
      record(writer, (tx) => {
        tx.put('diffs', id, { title: freshId(random), date, text: freshId(random) })
        for (const other of process.vault.query('SELECT id FROM diffs WHERE date = ? AND id <> ? ORDER BY id', date, id)) {
          tx.delete('diffs', String(other['id']))
        }
      })
      return id
    },
  },
  star: {
    weight: 4,
    run: (writer) => {
      if (writer.older) return 'not in this version'
      const { random } = writer
      return onRow(writer, 'diffs', (tx, diff) => {
        const paragraph = random.below(3)
        tx.put('stars', `${diff}:${paragraph}`, { diff, paragraph, text: freshId(random) })
      })
    },
  },
  unstar: {
    weight: 2,
    run: (writer) => (writer.older ? 'not in this version' : onRow(writer, 'stars', (tx, id) => tx.delete('stars', id))),
  },
  profile: {
    weight: 8,
    run: (writer) => {
      const { random } = writer
      const column = random.pick(['languages', 'topics'] as const)
      const element = random.pick(WORDS)
      const present = random.chance(0.6)
      record(writer, (tx) => {
        if (tx.get('profile', PROFILE) === undefined) tx.put('profile', PROFILE, { name: freshId(random) })
        tx.setMember('profile', PROFILE, column, element, present)
      })
      return `${column} ${present ? '+' : '-'}${element}`
    },
  },
}

/** What is done to devices, their network and the server; world.ts and damage.ts do it. */
export const events = {
  sync: 60,
  live: 12,
  signIn: 3,
  signOut: 2,
  changePassword: 2,
  kill: 6,
  killAtAwait: 6,
  statementFault: 12,
  killServer: 5,
  jumpClock: 5,
  cutNetwork: 4,
  secondProcess: 4,
  upgrade: 2,
  merge: 8,
  revoke: 3,
  backupServer: 3,
  restoreServer: 3,
  wipeServer: 2,
  forkServer: 1,
  joinServers: 2,
  backupDisk: 5,
  restoreDisk: 3,
  cloneDisk: 1,
} as const
export type EventKind = keyof typeof events

export interface Operation {
  /** Virtual milliseconds after the operation before it. */
  readonly gap: number
  readonly device: number
  readonly kind: string
  readonly seed: number
}

const HOUR = 3_600_000

export function planOperations(random: Random, devices: number, count: number): Operation[] {
  const kinds = [...Object.entries(writes).map(([kind, { weight }]) => [kind, weight] as const), ...Object.entries(events)]
  const bag = kinds.flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))
  return Array.from({ length: count }, () => {
    const pace = random.below(100)
    const gap = pace < 90 ? random.below(1500) : pace < 98 ? random.below(6 * HOUR) : random.below(60 * 24 * HOUR)
    return { gap, device: random.below(devices), kind: random.pick(bag), seed: random.u32() }
  })
}
