/** `lockstep status` and `lockstep sync`. */
import type { DeviceStatus } from '@lockstep/engine/device'
import type { EngineError } from '@lockstep/engine/errors'
import type { WatchEvent } from '@lockstep/engine/watch'
import { type CommandGroup, type Context, type LockstepDevice, onRun } from '#context'
import { bytes, counted, localTime, printable } from '#table'

/** How often the database is asked whether another process (a second `lockstep`) has written to it. */
const LOOK_EVERY_MILLIS = 500

const STATES: Readonly<Record<string, string>> = {
  local: 'local only: this device is not signed in to a server',
  'not-on-server': 'signed out: what changes here stays on this device',
  pending: 'pending: there are changes to sync',
  synced: 'synced',
  'needs-password': 'needs password: sign in again with: lockstep sign-in',
  problem: 'problem',
}

export const syncCommands: CommandGroup = (program, io) => {
  onRun(program.command('status').description('show how this device and the server stand'), io, async (context) => {
    const status = await context.withDevice((device) => device.status())
    context.out.result(statusJson(status), () => describe(status))
  })

  const sync = program
    .command('sync')
    .option('--watch', 'stay, send each change at once and take what others write as it comes')
    .description('send what is new here, and take what is new elsewhere')
  onRun<{ watch?: boolean }>(sync, io, async (context, _, { watch }) => {
    await context.withDevice((device) => (watch === true ? syncLive(context, device) : syncOnce(context, device)))
  })
}

function statusJson({ state, pending, lastSyncedAt, server, vault, deviceName, problems }: DeviceStatus) {
  return {
    state,
    pending,
    lastSyncedAt: lastSyncedAt ?? null,
    server: server ?? null,
    vault: vault ?? null,
    deviceName: deviceName ?? null,
    problems: problems.map(({ code, detail, at }) => ({ code, detail, at })),
  }
}

function describe({ state, pending, lastSyncedAt, server, vault, deviceName, problems }: DeviceStatus): string {
  return [
    `State        ${STATES[state] ?? state}`,
    `Pending      ${counted(pending, 'changed row')}`,
    `Last synced  ${lastSyncedAt === undefined ? 'never' : localTime(lastSyncedAt)}`,
    ...(server === undefined ? [] : [`Server       ${server}, vault "${vault}"`]),
    ...(deviceName === undefined ? [] : [`This device  ${deviceName}`]),
    ...problems.map(({ detail, at }) => `Problem      ${printable(detail)} (${localTime(at)})`),
  ].join('\n')
}

async function syncOnce(context: Context, device: LockstepDevice): Promise<void> {
  const { uploaded, downloaded, repaired } = await context.withProgress((progress) =>
    device.sync({
      signal: context.io.interrupted(),
      onProgress: ({ phase, done, total }) => progress.update(phase === 'upload' ? 'Sending' : 'Receiving', done, total),
    }),
  )
  const { state, problems } = statusJson(device.status())
  const gaveBack = repaired.segments > 0 ? { repaired } : {}
  context.out.done({ state, uploaded, downloaded, ...gaveBack, problems }, () =>
    [
      `Synced: sent ${counted(uploaded.segments, 'segment')} (${bytes(uploaded.bytes)}), received ${counted(downloaded.segments, 'segment')} (${bytes(downloaded.bytes)}).`,
      ...(repaired.segments === 0
        ? []
        : [`Gave back to the server ${counted(repaired.segments, 'segment')} (${bytes(repaired.bytes)}) that it had lost.`]),
      ...problems.map(({ detail }) => printable(detail)),
    ].join('\n'),
  )
}

/** Ends when the process is asked to, or with an error that only a person can do something about. */
async function syncLive(context: Context, device: LockstepDevice): Promise<void> {
  const { io, out } = context
  const stop = io.interrupted()
  const say = (event: string, text: string, fields: object = {}) =>
    out.done({ event, at: io.now(), ...fields }, () => `${localTime(io.now())}  ${text}`)
  const ended = Promise.withResolvers<EngineError | undefined>()
  const watcher = device.watch({
    mode: 'live',
    onEvent: (event) => {
      if (event.type === 'stopped') ended.resolve(event.error)
      else tell(event, say)
    },
  })
  const unsubscribe = device.vault.onChange((tables, origin) => {
    if (origin === 'remote') say('changed', 'changes arrived', { tables: [...tables].map((name) => name.replace(/^rows_/, '')) })
  })
  const looking = watchOtherProcesses(device, () => void watcher.syncNow())
  stop.addEventListener('abort', () => ended.resolve(undefined), { once: true })
  const failure = await ended.promise
  clearInterval(looking)
  unsubscribe()
  await watcher.stop()
  if (failure !== undefined) throw failure
}

function tell(event: Exclude<WatchEvent, { type: 'stopped' }>, say: (event: string, text: string, fields?: object) => void): void {
  if (event.type === 'live') {
    say(event.connected ? 'connected' : 'disconnected', event.connected ? 'live' : 'connection lost')
  } else if (event.type === 'failed') {
    const { code, message } = event.error
    say('failed', `${message}; next try in ${Math.ceil(event.retryIn / 1000)} s`, { code, message, retryIn: event.retryIn })
  } else if (event.type === 'synced') {
    const { uploaded, downloaded, repaired } = event.result
    const moved = uploaded.segments + downloaded.segments > 0
    const gaveBack = repaired.segments === 0 ? '' : `; gave back ${repaired.segments} that the server had lost`
    say('synced', (moved ? `sent ${uploaded.segments}, received ${downloaded.segments} segments` : 'in step') + gaveBack, {
      uploaded,
      downloaded,
      repaired,
    })
  }
}

/** A `lockstep note add` beside a running watch writes through its own connection, which the engine here does not hear of. */
function watchOtherProcesses(device: LockstepDevice, syncNow: () => void): NodeJS.Timeout {
  const version = () => device.vault.query('PRAGMA data_version')[0]?.['data_version']
  let seen = version()
  return setInterval(() => {
    const now = version()
    if (now === seen) return
    seen = now
    if (device.vault.pending() > 0) syncNow()
  }, LOOK_EVERY_MILLIS)
}
