/**
 * A vault after years of use: a million edits of ten thousand notes by four devices, ten in a segment, first as they were
 * pushed and then merged. What the server keeps, what a fresh device waits for, what a device one edit behind
 * downloads, and what it costs to give a server back the last hundredth of its log.
 *
 *     node bench/long-life.ts --edits 1000000 --notes 10000 --per-segment 10
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MergeResult } from '@lockstep/engine/compaction/merger'
import { type Actor, startActor } from './support/actor.ts'
import type { DeviceActor, SyncTiming } from './support/device-actor.ts'
import type { NotePrint } from './support/note-print.ts'
import { ask, type Figure } from './support/report.ts'
import { type LogSize, Site } from './support/site.ts'
import type { WriterActor } from './support/writer-actor.ts'

const SEED = 11
const DEVICES = 4
const LATEST = 50
/** One segment in so many is lost by the server. */
const LOST = 100
const MB = 1e6
const FACTS = 'vault.json'

type Numbers = {
  readonly edits: number
  readonly notes: number
  readonly 'per-segment': number
  /** 0: no device downloads the unmerged log, which takes longer than all the rest. */
  readonly unmerged: number
}

/** What is written down beside a grown vault. */
interface Facts {
  readonly edits: number
  readonly notes: number
  readonly perSegment: number
  readonly passphrase: string
  /** Segments before and after the copy of the server's data. */
  readonly kept: number
  readonly lost: number
  readonly textEdits: number
}

interface Vault extends Facts {
  readonly folder: string
  readonly site: Site
  /** In step. */
  readonly writer: Actor<WriterActor>
  /** Copy of the server's data before the last segments were pushed. */
  readonly earlier: string
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)
}

/** Makes the vault's folder: the server's data, its copy before the last segments, and the home of a device that is in step. */
async function grow(folder: string, { edits, notes, 'per-segment': perSegment }: Numbers): Promise<void> {
  const site = await Site.open(join(folder, 'server'))
  const writer = startActor<WriterActor>('writer-actor.ts')
  try {
    const passphrase = await writer.call('open', { home: join(folder, 'writer'), server: site.proxy.url, seed: SEED })
    const segments = Math.ceil(edits / perSegment)
    const lost = Math.ceil(segments / LOST)
    const history = { seed: SEED, notes, edits, devices: DEVICES, perSegment }
    await writer.call('pushHistory', { ...history, segments: segments - lost })
    await site.copyTo(join(folder, 'earlier'))
    const { textEdits } = await writer.call('pushHistory', { ...history, segments: lost })
    say(`${segments} segments pushed, ${textEdits} of ${edits} edits are of texts`)
    await writer.call('sync')
    say(`a device is in step: ${await writer.call('compareWithHistory')} notes, as they were written`)
    const facts: Facts = { edits, notes, perSegment, passphrase, kept: segments - lost, lost, textEdits }
    writeFileSync(join(folder, FACTS), JSON.stringify(facts))
  } finally {
    await writer.stop()
    await site.stop()
  }
}

/** The vault in a folder that goes away afterwards. `LOCKSTEP_BENCH_VAULT` names one in which it stays for the next run. */
async function openVault(folder: string, numbers: Numbers): Promise<Vault> {
  const kept = process.env['LOCKSTEP_BENCH_VAULT']
  if (kept !== undefined && existsSync(join(kept, FACTS))) {
    cpSync(kept, folder, { recursive: true })
  } else {
    await grow(folder, numbers)
    if (kept !== undefined) cpSync(folder, kept, { recursive: true })
  }
  const facts = JSON.parse(readFileSync(join(folder, FACTS), 'utf8')) as Facts
  const { edits, notes, perSegment } = facts
  if (edits !== numbers.edits || notes !== numbers.notes || perSegment !== numbers['per-segment']) {
    throw new Error(`the kept vault has ${edits} edits of ${notes} notes, ${perSegment} in a segment`)
  }
  const site = await Site.open(join(folder, 'server'))
  const writer = startActor<WriterActor>('writer-actor.ts')
  await writer.call('reopen', { home: join(folder, 'writer'), server: site.proxy.url, seed: SEED })
  return { ...facts, folder, site, writer, earlier: join(folder, 'earlier') }
}

async function freshDevice({ folder, site, passphrase }: Vault, name: string, latest: readonly NotePrint[]) {
  const device = startActor<DeviceActor>('device-actor.ts')
  await device.call('open', { home: join(folder, name), server: site.url, passphrase })
  await device.call('awaitNotes', latest)
  return device
}

/** Seconds until the latest notes are there as they were left, and until everything is; peak memory. */
function freshFigures(when: string, timing: SyncTiming, peak: number, goal?: number): Figure[] {
  return [
    {
      label: `fresh device, ${when}: latest ${LATEST} notes readable`,
      value: (timing.awaited ?? Number.NaN) / 1000,
      unit: 's',
      better: 'less',
      ...(goal !== undefined && { goal }),
    },
    { label: `fresh device, ${when}: everything stored`, value: timing.elapsed / 1000, unit: 's', better: 'less' },
    { label: `fresh device, ${when}: everything searchable`, value: timing.searchable / 1000, unit: 's', better: 'less' },
    { label: `fresh device, ${when}: downloaded`, value: timing.downloaded.bytes / MB, unit: 'MB', better: 'less' },
    { label: `fresh device, ${when}: peak memory`, value: peak / MB, unit: 'MB', better: 'less' },
  ]
}

/** The server forgets the last segments; one sync of one device, which has them all, repairs it. */
async function repair({ site, writer, earlier, kept, lost }: Vault): Promise<Figure[]> {
  const bytes = await site.bytesAfter(kept)
  await site.putBack(earlier)
  site.proxy.take()
  const { repaired } = await writer.call('sync')
  const { up, down, bodyUp, bodyDown, roundTrips } = site.proxy.take()
  if (repaired.segments < lost) throw new Error(`${repaired.segments} of ${lost} lost segments were given back`)
  await site.putBack(site.data)
  await writer.call('sync')
  say(`repair: ${await writer.call('problems')}`)
  return [
    { label: `repair of ${repaired.segments} lost segments: round trips`, value: roundTrips, unit: '', better: 'less', goal: 2 },
    {
      label: 'repair: bodies both ways over the lost segments',
      value: bodyUp + bodyDown - bytes,
      unit: 'B',
      better: 'less',
      goal: 1024,
    },
    { label: 'repair: with all HTTP headers', value: up + down - bytes, unit: 'B', better: 'less' },
    { label: 'repair: lost segments', value: bytes / 1000, unit: 'kB', better: 'less' },
  ]
}

/** The bodies of what `behind` downloads when it pulls. */
async function pullOne(behind: Actor<DeviceActor>, when: string): Promise<Figure> {
  const { downloaded } = await behind.call('sync')
  return { label: `one edit behind, ${when}: downloaded`, value: downloaded.bytes, unit: 'B', better: 'less', goal: 2000 }
}

async function merge({ site, writer }: Vault, before: LogSize): Promise<Figure[]> {
  site.proxy.take()
  const done = await writer.call('merge')
  const { up, down } = site.proxy.take()
  const stopped = done.find(({ result }) => !result.merged)
  if (stopped !== undefined) throw new Error(`merging stopped: ${JSON.stringify(stopped.result)}`)
  const results = done.map(({ result }) => result as Extract<MergeResult, { merged: true }>)
  for (const { entries, parts, whole, before: from, after } of results) {
    say(`merged ${entries} entries of ${from} bytes into ${parts} parts of ${after} bytes${whole ? ', all of the state' : ''}`)
  }
  const after = await site.size()
  const label = (text: string) => `merging: ${text}`
  return [
    { label: label('merges'), value: results.length, unit: '', better: 'less' },
    { label: label('time'), value: done.reduce((sum, { millis }) => sum + millis, 0) / 1000, unit: 's', better: 'less' },
    { label: label('uploaded'), value: up / MB, unit: 'MB', better: 'less' },
    { label: label('downloaded'), value: down / MB, unit: 'MB', better: 'less' },
    { label: label('segments before'), value: before.segments, unit: '', better: 'less' },
    { label: label('segments after'), value: after.segments, unit: '', better: 'less' },
  ]
}

/** A vault that was filled with the same notes at once, on another server. */
async function atOnce({ folder }: Vault): Promise<LogSize> {
  const site = await Site.open(join(folder, 'server-at-once'))
  const writer = startActor<WriterActor>('writer-actor.ts')
  try {
    await writer.call('open', { home: join(folder, 'at-once'), server: site.url, seed: SEED })
    await writer.call('copyFrom', join(folder, 'writer'))
    await writer.call('sync')
    return await site.size()
  } finally {
    await writer.stop()
    await site.close()
  }
}

/** A device that has everything before anything is merged. */
async function earlyDevice(vault: Vault): Promise<{ readonly device: Actor<DeviceActor>; readonly figures: readonly Figure[] }> {
  const device = await freshDevice(vault, 'early', await vault.writer.call('latest', LATEST))
  const timing = await device.call('sync')
  if ((await device.call('count')) !== (await vault.writer.call('state')).notes) throw new Error('the fresh device lacks notes')
  say(`a fresh device is in step: ${await device.call('problems')}`)
  const figures = freshFigures('unmerged', timing, (await device.call('usage')).peak)
  await device.call('awaitNotes', [])
  return { device, figures }
}

async function questions(vault: Vault, devices: Actor<DeviceActor>[], unmerged: boolean): Promise<Figure[]> {
  const { site, writer, textEdits } = vault
  const before = await site.size()
  const early = unmerged ? await earlyDevice(vault) : undefined
  if (early !== undefined) devices.push(early.device)
  const repairFigures = await repair(vault)
  await writer.call('edit')
  await writer.call('push')
  const pulls: Figure[] = []
  if (early !== undefined) pulls.push(await pullOne(early.device, 'unmerged'))
  await writer.call('edit')
  await writer.call('push')
  const mergeFigures = await merge(vault, before)
  if (early !== undefined) pulls.push(await pullOne(early.device, 'merged since'))
  const late = await freshDevice(vault, 'late', await writer.call('latest', LATEST))
  devices.push(late)
  const lateTiming = await late.call('sync')
  const latePeak = (await late.call('usage')).peak
  say(`another fresh device is in step: ${await late.call('problems')}`)
  const after = await site.size()
  const state = await writer.call('state')
  if ((await late.call('count')) !== state.notes) throw new Error('the late device lacks notes')
  await late.call('awaitNotes', [])
  await writer.call('edit')
  await writer.call('push')
  pulls.push(await pullOne(late, 'merged before'))
  const once = await atOnce(vault)
  const bytes = (label: string, value: number): Figure => ({ label, value: value / MB, unit: 'MB', better: 'less' })
  return [
    { label: 'edits of texts', value: textEdits, unit: '', better: 'more' },
    bytes('titles and texts of the notes', state.bytes),
    bytes('created in one go: sealed', once.bytes),
    bytes("created in one go: server's files", once.files),
    bytes('unmerged: sealed', before.bytes),
    bytes("unmerged: server's files", before.files),
    bytes('merged: sealed', after.bytes),
    { label: 'merged: sealed, against one go', value: after.bytes / once.bytes, unit: '×', better: 'less', goal: 2 },
    bytes("merged: server's files", after.files),
    { label: "merged: server's files, against one go", value: after.files / once.files, unit: '×', better: 'less', goal: 2 },
    ...(early?.figures ?? []),
    ...freshFigures('merged', lateTiming, latePeak, 1),
    ...pulls,
    ...repairFigures,
    ...mergeFigures,
  ]
}

async function measure(numbers: Numbers): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  const devices: Actor<DeviceActor>[] = []
  let vault: Vault | undefined
  try {
    vault = await openVault(folder, numbers)
    return await questions(vault, devices, numbers.unmerged !== 0)
  } finally {
    for (const device of devices) await device.stop()
    await vault?.writer.stop()
    await vault?.site.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

await ask({
  title: ({ edits, notes }) => `${edits} edits of ${notes} notes`,
  file: 'long-life.ts',
  numbers: { edits: 1_000_000, notes: 10_000, 'per-segment': 10, unmerged: 1 },
  run: measure,
})
