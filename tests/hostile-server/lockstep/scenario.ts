/** Runs one attack against the engine: what the victim does, what it was told, and whether the attack got anywhere. */
import { EngineError } from '@lockstep/engine/errors'
import type { WatchEvent } from '@lockstep/engine/watch'
import type { Act, Attack } from '../attack.ts'
import { LOG_START } from '../control.ts'
import { listenForTokens } from '../listener.ts'
import type { Anchor } from '../shown-log.ts'
import type { ManualTimers, TestDevice } from './device.ts'
import { notesOf, PASSWORD, signInRequest, type VaultKind, VICTIM, type World, type Worlds } from './world.ts'

const NEW_PASSWORD = 'another password'
/** More than any answer of the attacks needs: a client that takes more in does not stop where it should. */
const MAX_TAKEN = 8 * 1024 * 1024
/** Longest wait of a timer; a longer one fires at once. */
const MAX_TIMER = 2 ** 31 - 1
const MAX_PRIVATE_WAIT = 24 * 60 * 60 * 1000

export interface Outcome {
  /** Codes of errors and problems, sorted, each once. */
  readonly named: readonly string[]
  /** Codes of what the victim said when it was told the truth again: where a lie ends in two truths that differ. */
  readonly namedAfterwards: readonly string[]
  /** The victim ended with exactly what the others have. */
  readonly inStep: boolean
  /** What must never be, in words; empty. */
  readonly wrongs: readonly string[]
  /** After the attack, by honest syncs alone, all devices have everything. */
  readonly healed: boolean
}

const KINDS: Partial<Record<Act, VaultKind>> = {
  'join-by-password': 'password',
  'pull-merged': 'merged',
  'join-merged': 'merged',
  'pull-rotated': 'rotated',
  'push-rotated': 'rotated',
}

/** What an attack may not do, collected. */
class Run {
  readonly attack: Attack
  readonly world: World
  readonly wrongs: string[] = []
  readonly codes = new Set<string>()

  constructor(attack: Attack, world: World) {
    this.attack = attack
    this.world = world
  }

  /** Runs what may fail, and notes how. Returns false where it did. */
  async attempt(body: () => Promise<unknown>): Promise<boolean> {
    try {
      await body()
      return true
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'unexpected') {
        this.wrongs.push(`an error without a code: ${String(error)}`)
      } else this.codes.add(error.code)
      return false
    }
  }

  /** A problem that the next sync settles has been told all the same. */
  async sync(device: TestDevice, signal?: AbortSignal): Promise<boolean> {
    const synced = await this.attempt(() => device.device.sync(signal === undefined ? {} : { signal }))
    this.noteProblems(device)
    return synced
  }

  noteProblems(device: TestDevice): void {
    for (const { code } of device.device.vault.problems()) this.codes.add(code)
  }

  checkNotes(device: TestDevice): void {
    for (const foreign of this.world.ledger.foreign(device.device.vault)) this.wrongs.push(`${device.name} shows ${foreign}`)
  }
}

const text = (title: string) => `the text of ${title}`

async function write(run: Run, by: TestDevice, id: string, title: string): Promise<void> {
  run.world.ledger.note(by.device.vault, id, title, text(title))
}

/** Somebody who has seen everything writes, and then somebody who has seen that: whoever lies about the past is convicted. */
async function later(run: Run): Promise<void> {
  const { ann, cat } = run.world
  await cat.device.sync()
  await write(run, cat, 'cat-2', 'cat 2')
  await cat.device.sync()
  await ann.device.sync()
  await write(run, ann, 'ann-5', 'ann 5')
  await ann.device.sync()
}

export async function runAttack(attack: Attack, worldsOf: (kind: VaultKind) => Worlds): Promise<Outcome> {
  const kind = KINDS[attack.act] ?? 'passphrase'
  const world = await worldsOf(kind).copy(attack.wire)
  const thief = attack.wire === true ? await listenForTokens() : undefined
  const run = new Run(attack, world)
  try {
    const { victim, reference } = await act(run, kind, thief?.url)
    if (world.hostile.taken > MAX_TAKEN) run.wrongs.push(`read ${world.hostile.taken} bytes of an answer`)
    if ((thief?.caught.length ?? 0) > 0) run.wrongs.push(`another server got ${thief?.caught[0]}`)
    if (({} as { polluted?: number }).polluted !== undefined) run.wrongs.push('a prototype was polluted')
    run.noteProblems(victim)
    const named = [...run.codes].sort()
    const inStep = same(victim, reference)
    checkVictim(run, victim)
    run.codes.clear()
    const healed = await heal(run, victim)
    return { named, namedAfterwards: [...run.codes].sort(), inStep, wrongs: run.wrongs, healed }
  } finally {
    await world.close()
    await thief?.close()
  }
}

const same = (a: TestDevice, b: TestDevice): boolean =>
  JSON.stringify(notesOf(a.device.vault)) === JSON.stringify(notesOf(b.device.vault))

/** The device that the attack is about, and one that has been told the truth. */
interface Ended {
  readonly victim: TestDevice
  readonly reference: TestDevice
}

/** The victim's part of the story. */
async function act(run: Run, kind: VaultKind, elsewhere: string | undefined): Promise<Ended> {
  const { attack, world } = run
  const { hostile, ann, ben, anchor } = world
  const install = (at = anchor) => hostile.attack(attack, VICTIM, { anchor: at, elsewhere, accomplice: world.accomplice })
  switch (attack.act) {
    case 'pull':
    case 'pull-merged':
    case 'pull-rotated':
      await install()
      await syncs(run, ben)
      return { victim: ben, reference: ann }
    case 'push':
    case 'push-rotated':
      await write(run, ben, 'ben-1', 'ben 1')
      await write(run, ben, 'ben-0', 'ben 0, edited')
      await install()
      await syncs(run, ben)
      return { victim: ben, reference: ann }
    case 'join':
    case 'join-by-password':
    case 'join-merged':
      return { victim: await joins(run, kind, install), reference: ann }
    case 'create':
      return creates(run, install)
    case 'return':
      return { victim: await returns(run, install), reference: ann }
    case 'password':
      return changes(run, install)
    case 'live':
      return { victim: await listens(run, install), reference: ann }
    case 'watch':
      return { victim: await watches(run, install), reference: ann }
  }
}

type Install = (at?: Anchor) => Promise<void>

/** Syncs, twice before anybody else has written and once after; a sync without end is given up by the person. */
async function syncs(run: Run, device: TestDevice): Promise<void> {
  for (let round = 0; round < 2; round++) await syncOrGiveUp(run, device)
  await later(run)
  await write(run, device, 'ben-2', 'ben 2')
  for (let round = 0; round < 2; round++) await syncOrGiveUp(run, device)
  await run.world.ann.device.sync()
}

async function syncOrGiveUp(run: Run, device: TestDevice): Promise<void> {
  const abort = new AbortController()
  const running = run.sync(device, abort.signal)
  if (run.attack.wire !== true) {
    await running
    return
  }
  const patience = setTimeout(() => {
    // Local work goes on while a sync hangs.
    run.world.ledger.note(device.device.vault, 'ben-3', 'ben 3', text('ben 3'))
    abort.abort()
  }, 1500)
  await running
  clearTimeout(patience)
}

async function joins(run: Run, kind: VaultKind, install: Install): Promise<TestDevice> {
  const { world, attack } = run
  const device = await world.newcomer(VICTIM, attack.wire)
  await install(LOG_START)
  const joined = await run.attempt(() => device.device.signIn(signInRequest(kind, 'dan', 'join', PASSWORD)))
  if (!joined) {
    const { vaultKeys, token } = (device.files.secrets ?? {}) as { vaultKeys?: unknown; token?: unknown }
    if (vaultKeys !== undefined || token !== undefined) run.wrongs.push('keys of a sign-in that failed were kept')
    if (device.sent.some((request) => request.includes('/v1/segments'))) run.wrongs.push('segments were sent without a session')
    return device
  }
  await run.sync(device)
  await later(run)
  await run.sync(device)
  return device
}

/** A vault was made or was not; if it was, another device can join it and sees what is in it. */
async function creates(run: Run, install: Install): Promise<Ended> {
  const { world } = run
  const device = await world.newcomer(VICTIM)
  await write(run, device, 'own', 'own note')
  await install(LOG_START)
  await run.attempt(() => device.device.signIn(signInRequest('passphrase', 'eve', 'create', PASSWORD, 'another')))
  await run.sync(device)
  if (notesOf(device.device.vault).length !== 1) run.wrongs.push('a note is gone')
  if (run.codes.size > 0) return { victim: device, reference: device }
  const second = await world.newcomer('fay')
  await run.attempt(() => second.device.signIn(signInRequest('passphrase', 'fay', 'join', PASSWORD, 'another')))
  await run.sync(second)
  return { victim: device, reference: second }
}

/** Whatever became of the change, one of the two passwords opens the vault as the server has it. */
async function changes(run: Run, install: Install): Promise<Ended> {
  const { ann, ben, cat, hostile } = run.world
  for (const device of [ann, cat, ben]) await device.device.sync()
  await ben.device.changePassword({ currentPassword: PASSWORD, newPassword: PASSWORD })
  await install(await hostile.anchor())
  const sent = ben.sent.length
  const changed = await run.attempt(() => ben.device.changePassword({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD }))
  const proved = ben.sent.slice(sent).some((request) => request.includes('currentAuthKey'))
  if (run.attack.client.includes('sends no key') && proved) run.wrongs.push('the auth key was sent')
  hostile.relent()
  if (changed) await run.sync(ben)
  const second = await run.world.newcomer('fay')
  for (const password of [NEW_PASSWORD, PASSWORD]) {
    try {
      await second.device.signIn(signInRequest('passphrase', 'fay', 'join', password))
      await second.device.sync()
      return { victim: ben, reference: second }
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'wrong-credentials') throw error
    }
  }
  run.wrongs.push('neither password opens the vault')
  return { victim: ben, reference: ben }
}

async function returns(run: Run, install: Install): Promise<TestDevice> {
  const { ben, hostile } = run.world
  await ben.device.sync()
  await ben.device.changePassword({ currentPassword: PASSWORD, newPassword: PASSWORD })
  await ben.device.signOut({ wipe: false })
  await install(await hostile.anchor())
  await run.attempt(() => ben.device.signIn(signInRequest('passphrase', 'ben', 'join', PASSWORD)))
  return ben
}

/** Lets everything run that is ready, and everything that waits for threads. */
async function settle(busy: () => boolean): Promise<void> {
  let idle = 0
  for (let i = 0; i < 20_000 && idle < 40; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    idle = busy() ? 0 : idle + 1
  }
}

/** Follows a watcher's events: it is busy from `syncing` until the sync's end. */
class Follower {
  readonly events: WatchEvent[] = []
  busy = false

  readonly onEvent = (event: WatchEvent): void => {
    this.events.push(event)
    if (event.type === 'syncing') this.busy = true
    else if (event.type !== 'live') this.busy = false
  }

  settle(): Promise<void> {
    return settle(() => this.busy)
  }

  noteErrors(run: Run): void {
    for (const event of this.events) {
      if (event.type !== 'failed' && event.type !== 'stopped') continue
      if (event.error.code === 'unexpected') run.wrongs.push(`an error without a code: ${String(event.error.cause)}`)
      else run.codes.add(event.error.code)
    }
  }
}

async function listens(run: Run, install: Install): Promise<TestDevice> {
  const { ben, ann, hostile } = run.world
  await ben.device.sync()
  await install(await hostile.anchor())
  const follower = new Follower()
  const watcher = ben.device.watch({ mode: 'live', onEvent: follower.onEvent })
  await follower.settle()
  await ann.device.sync()
  await write(run, ann, 'ann-6', 'ann 6')
  await ann.device.sync()
  await follower.settle()
  // What a sync heals has been told until then.
  run.noteProblems(ben)
  await later(run)
  await follower.settle()
  run.noteProblems(ben)
  await write(run, ben, 'ben-1', 'ben 1')
  await follower.settle()
  await watcher.syncNow()
  await watcher.stop()
  follower.noteErrors(run)
  await run.sync(ben)
  await ann.device.sync()
  return ben
}

/** Fires the next timer again and again, and looks at how often the server was asked and how long was waited. */
async function watches(run: Run, install: Install): Promise<TestDevice> {
  const { ben, ann, hostile } = run.world
  await ben.device.sync()
  await install(await hostile.anchor())
  const before = hostile.requests.get(VICTIM) ?? 0
  const follower = new Follower()
  const watcher = ben.device.watch({ mode: 'live', onEvent: follower.onEvent })
  await follower.settle()
  const rounds = 12
  for (let round = 0; round < rounds; round++) {
    const timer = ben.timers.waiting.shift()
    if (timer === undefined) break
    timer.run()
    await follower.settle()
  }
  checkPatience(run, ben.timers, (hostile.requests.get(VICTIM) ?? 0) - before + (hostile.connections.get(VICTIM) ?? 0), rounds)
  await watcher.stop()
  if (ben.timers.waiting.length > 0) run.wrongs.push('a timer waits after the watcher was stopped')
  follower.noteErrors(run)
  hostile.relent()
  await run.sync(ben)
  await ann.device.sync()
  return ben
}

function checkPatience(run: Run, { asked }: ManualTimers, requests: number, rounds: number): void {
  for (const millis of asked) {
    if (!(millis > 0 && millis <= MAX_TIMER)) run.wrongs.push(`a timer of ${millis} ms fires at once`)
    else if (millis > MAX_PRIVATE_WAIT) run.wrongs.push(`a server made the device wait for ${millis} ms`)
  }
  if (asked.length > 8 && (asked.at(-1) as number) < 60_000)
    run.wrongs.push(`after ${asked.length} failures it waits ${asked.at(-1)} ms`)
  if (requests > 2 * (rounds + 1)) run.wrongs.push(`${requests} requests in ${rounds} rounds`)
}

/** Nothing that nobody wrote is shown; nothing is gone but what was deleted; what the victim wrote is there. */
function checkVictim(run: Run, victim: TestDevice): void {
  run.checkNotes(victim)
  if (victim !== run.world.ben) return
  const ids = new Set(notesOf(victim.device.vault).map(({ id }) => id))
  for (const id of ['ann-0', 'ann-1', 'ann-2', 'ann-3', 'ben-0', 'cat-0']) {
    if (!ids.has(id) && !run.world.ledger.wasDeleted(id)) run.wrongs.push(`note ${id} is gone`)
  }
  for (const request of victim.sent) {
    const { token } = (victim.files.secrets ?? {}) as { token?: string }
    if (token !== undefined && request.split('\n', 1)[0]?.includes(token)) run.wrongs.push('a token is in a URL')
    if (request.includes(PASSWORD)) run.wrongs.push('the password was sent')
  }
}

/** Everybody is told the truth again: the honest devices have lost nothing, and the victim comes back if it can. */
async function heal(run: Run, victim: TestDevice): Promise<boolean> {
  const { world } = run
  world.hostile.relent()
  const { ann, cat } = world
  // Somebody mentions what there is: what was kept back in silence is known to be missing then.
  for (const device of [ann, cat]) await device.device.sync().catch(() => {})
  // Where the password was changed, its session has ended.
  if (cat.device.profile.signedIn) {
    await write(run, cat, 'cat-3', 'cat 3')
    await cat.device.sync()
  }
  for (let round = 0; round < 3; round++) {
    await run.sync(victim)
    for (const device of [ann, cat]) await device.device.sync().catch(() => {})
  }
  for (const device of [ann, cat]) {
    run.checkNotes(device)
    if (device.device.vault.problems().length > 0)
      run.wrongs.push(`${device.name} has a problem: ${device.device.vault.problems()[0]?.detail}`)
  }
  if (!same(ann, cat)) run.wrongs.push('the devices that were served honestly differ')
  const own = notesOf(victim.device.vault).filter(({ id }) => id.startsWith('ben-'))
  const known = new Map(notesOf(ann.device.vault).map((note) => [note.id, note]))
  return own.every(({ id, title }) => known.get(id)?.title === title) && same(victim, ann)
}
