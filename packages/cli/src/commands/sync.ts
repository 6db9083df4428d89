/** `lockstep status` and `lockstep sync`. */
import type { DeviceStatus } from '@lockstep/engine/device'
import type { EngineError } from '@lockstep/engine/errors'
import type { WatchEvent } from '@lockstep/engine/watch'
import { Option } from 'commander'
import { type CommandGroup, type Context, type LockstepDevice, onRun } from '#context'
import { type GateOptions, gateOptions } from '#gate'
import { LOOK_EVERY, lookAround } from '#look-around'
import { bytes, counted, localTime, printable } from '#table'

/** How a watch stays in step; what each does is in the engine's `watch.ts`. */
const MODES = ['live', 'auto'] as const
type WatchMode = (typeof MODES)[number]

interface SyncOptions extends GateOptions {
  readonly watch?: boolean
  readonly mode?: WatchMode
}

export const syncCommands: CommandGroup = (program, io) => {
  onRun(program.command('status').description('show how this device and the server stand'), io, async (context) => {
    const status = await context.withDevice((device) => device.status())
    context.out.result(statusJson(status), () => describe(status))
  })

  const sync = program
    .command('sync')
    .option('--watch', 'stay, send each change at once and take what others write as it comes')
    .addOption(
      new Option(
        '--mode <mode>',
        'stay; live is the same as --watch, auto syncs at the start, 2 s after the last change here, and when the last sync is over an hour old',
      ).choices(MODES),
    )
    .description('send what is new here, and take what is new elsewhere')
  onRun<SyncOptions>(gateOptions(sync), io, async (context, _, options) => {
    const { watch, mode } = options
    const staying = mode ?? (watch === true ? 'live' : undefined)
    await context.withServer(options, (device) =>
      staying === undefined ? syncOnce(context, device) : stay(context, device, staying),
    )
  })
}

function statusJson({ state, pending, lastSyncedAt, offlineSince, server, vault, deviceName, problems }: DeviceStatus) {
  return {
    state,
    pending,
    lastSyncedAt: lastSyncedAt ?? null,
    offlineSince: offlineSince ?? null,
    server: server ?? null,
    vault: vault ?? null,
    deviceName: deviceName ?? null,
    problems: problems.map(({ code, detail, at }) => ({ code, detail, at })),
  }
}

function describeState({ state, lastSyncedAt, offlineSince }: DeviceStatus): string {
  if (offlineSince !== undefined && (state === 'pending' || state === 'synced')) {
    return `offline since ${localTime(offlineSince)}: what changes here is kept, and sent when the server is back`
  }
  switch (state) {
    case 'local':
      return 'local only: share it with your other devices with: lockstep sign-in --server URL'
    case 'not-on-server':
      return 'not on server: signed out, so what changes here stays on this device'
    case 'pending':
      return 'pending ◆: send it with: lockstep sync'
    case 'synced':
      return `synced ${lastSyncedAt === undefined ? '' : localTime(lastSyncedAt)}`.trimEnd()
    case 'needs-password':
      return 'needs password ◆: sign in again with: lockstep sign-in --server URL'
    case 'needs-gate':
      return 'needs the gate ◆: get a new access token and give it with: lockstep sync --access-token JWT'
    case 'problem':
      return 'problem'
  }
}

function describe(status: DeviceStatus): string {
  const { pending, lastSyncedAt, server, vault, deviceName, problems } = status
  return [
    `State        ${describeState(status)}`,
    `Pending      ${counted(pending, 'changed row')}`,
    `Last synced  ${lastSyncedAt === undefined ? 'never' : localTime(lastSyncedAt)}`,
    ...(server === undefined ? [] : [`Server       ${server}, vault "${vault}"`]),
    ...(deviceName === undefined ? [] : [`This device  ${deviceName}`]),
    ...problems.map(({ detail, at }) => `Problem      ${printable(detail)} (${localTime(at)})`),
  ].join('\n')
}

async function syncOnce(context: Context, device: LockstepDevice): Promise<void> {
  const { uploaded, downloaded, repaired } = await context.sync(device)
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
async function stay(context: Context, device: LockstepDevice, mode: WatchMode): Promise<void> {
  const { io, out } = context
  const stop = io.interrupted()
  const say = (event: string, text: string, fields: object = {}) =>
    out.done({ event, at: io.now(), ...fields }, () => `${localTime(io.now())}  ${text}`)
  const ended = Promise.withResolvers<EngineError | undefined>()
  let failing = false
  const watcher = device.watch({
    mode,
    onEvent: (event) => {
      if (event.type === 'failed' || event.type === 'synced') failing = event.type === 'failed'
      if (event.type === 'stopped') ended.resolve(event.error)
      else tell(event, say)
    },
  })
  const unsubscribe = device.vault.onChange((tables, origin) => {
    if (origin === 'remote') say('changed', 'changes arrived', { tables: [...tables].map((name) => name.replace(/^rows_/, '')) })
  })
  const look = lookAround({
    now: io.now,
    version: () => device.vault.query('PRAGMA data_version')[0]?.['data_version'],
    hasPending: () => device.vault.pending() > 0,
    isFailing: () => failing,
    watcher,
  })
  const looking = setInterval(look, LOOK_EVERY)
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
