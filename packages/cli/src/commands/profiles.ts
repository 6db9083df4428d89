/** `lockstep profile list|new|switch|share|import|unshare`: which profiles there are, and bringing one to a server and to other devices. */
import type { DeviceStatus } from '@lockstep/engine/device'
import { DriverError } from '@lockstep/engine/driver'
import { EngineError } from '@lockstep/engine/errors'
import { serverUrl } from '@lockstep/engine/remote'
import { readProfile } from '@lockstep/model/profile'
import { removeFromServer } from '@lockstep/model/publications'
import { type Command, Option } from 'commander'
import { requireSession } from '#commands/device'
import { type Context, type LockstepDevice, onRun } from '#context'
import { deviceNameOf } from '#device-name'
import { CliError } from '#errors'
import { type GateOptions, gateOptions, readGatePass } from '#gate'
import type { Io } from '#io'
import { passwordWarning, readPassword } from '#password'
import { isProfileName, MAIN } from '#profiles'
import { counted, localTime, table } from '#table'

/** `profile`: the group that these are commands of. */
export function profilesCommands(profile: Command, io: Io): void {
  listCommands(profile, io)
  shareCommand(profile, io)
  importCommand(profile, io)
  unshareCommand(profile, io)
}

interface ListedProfile {
  readonly name: string
  readonly current: boolean
  /** What its person calls it. */
  readonly title: string
  readonly state: DeviceStatus['state']
  readonly pending: number
  readonly lastSyncedAt: number | null
  readonly server: string | null
  readonly vault: string | null
}

const UNREADABLE = { title: '', state: 'problem', pending: 0, lastSyncedAt: null, server: null, vault: null } as const

async function readListed(context: Context, name: string): Promise<ListedProfile> {
  const named = { name, current: name === context.profile }
  const read = (device: LockstepDevice) => {
    const { state, pending, lastSyncedAt = null, server = null, vault = null } = device.status()
    return { ...named, title: readProfile(device.vault).name, state, pending, lastSyncedAt, server, vault }
  }
  try {
    return await context.withDevice(read, context.profiles.folderOf(name))
  } catch (error) {
    // One that is damaged is no reason not to show the others.
    if (error instanceof DriverError || error instanceof EngineError) return { ...named, ...UNREADABLE }
    throw error
  }
}

/** In the words of the diff·log document. */
function stateWords({ state, lastSyncedAt }: ListedProfile): string {
  switch (state) {
    case 'local':
      return 'local'
    case 'not-on-server':
      return 'not on server'
    case 'pending':
      return 'pending ◆'
    case 'synced':
      return `synced ${lastSyncedAt === null ? '' : localTime(lastSyncedAt)}`.trimEnd()
    case 'needs-password':
      return 'needs password ◆'
    case 'needs-gate':
      return 'needs the gate ◆'
    case 'problem':
      return 'problem'
  }
}

function listCommands(profile: Command, io: Io): void {
  onRun(profile.command('list').description('list the profiles of this home'), io, async (context) => {
    const listed: ListedProfile[] = []
    for (const name of context.profiles.list()) listed.push(await readListed(context, name))
    context.out.result(listed, () =>
      table(
        ['', 'PROFILE', 'STATE', 'SERVER', 'NAME'],
        listed.map((each) => [
          each.current ? '*' : '',
          each.name,
          stateWords(each),
          each.server === null ? '' : `${each.server} ${each.vault ?? ''}`.trimEnd(),
          each.title,
        ]),
        '',
      ),
    )
  })

  const create = profile.command('new').argument('<name>', 'small letters, digits, - and _').description('make an empty profile')
  onRun(create, io, async (context, [name = '']) => {
    const folder = context.profiles.create(name)
    await context.withDevice(() => {}, folder)
    context.out.done({ name }, () => `Made. Use it with: lockstep profile switch ${name}`)
  })

  const change = profile
    .command('switch')
    .argument('<name>', `as the list shows it; ${MAIN} is the home's own`)
    .description('make a profile the one that commands are about')
  onRun(change, io, (context, [name = '']) => {
    context.profiles.switchTo(name)
    context.out.done({ name }, () => `Commands are about the profile "${name}" now.`)
  })
}

interface ShareOptions extends GateOptions {
  readonly server?: string
  readonly vault?: string
  readonly code?: boolean
  readonly passphrase?: string
  readonly withPassphrase?: boolean
  readonly deviceName?: string
  readonly setupToken?: string
}

function shareCommand(profile: Command, io: Io): void {
  const share = profile
    .command('share')
    .option('--server <url>', 'address of the server to put it on')
    .option('--vault <name>', "its name there (default: the profile's)")
    .addOption(
      new Option(
        '--code',
        'of a profile that is on a server: a short code that brings another device to it, once, within two minutes',
      ).conflicts(['server', 'vault', 'passphrase', 'withPassphrase', 'passwordStdin']),
    )
    .option('--password-stdin', 'read its password from standard input')
    .option('--with-passphrase', 'make a passphrase, too, which every other device needs; without one the password alone opens it')
    .addOption(new Option('--passphrase <words>', 'a passphrase of your own').conflicts('withPassphrase'))
    .option('--device-name <name>', "this device's name (default: the one it has, else the host's)")
    .option('--setup-token <token>', 'what the server printed when it was started, to make its first vault')
    .description('put this profile on a server, under a password')
  onRun<ShareOptions>(gateOptions(share), io, async (context, _, options) => {
    if (options.code === true) return printCode(context, options)
    if (options.server === undefined)
      throw new CliError('bad-usage', 'name the server with --server, or ask for a code with --code')
    return putOnServer(context, { ...options, server: options.server })
  })
}

async function printCode(context: Context, options: GateOptions): Promise<void> {
  const { code, expiresAt, server, vault } = await context.withServer(options, async (device) => {
    requireSession(device)
    const { server, vault } = device.profile
    return { ...(await device.sharing.createCode()), server, vault }
  })
  context.out.result({ code, expiresAt, server, vault }, () =>
    [
      code,
      '',
      `On the other device, within two minutes: lockstep profile import --server ${server} --code ${code}`,
      'It asks for the password there: the code does not hold it.',
    ].join('\n'),
  )
}

async function putOnServer(context: Context, options: ShareOptions & { readonly server: string }): Promise<void> {
  const { server, passphrase, withPassphrase = false, setupToken, vault = context.profile } = options
  const passwordOnly = passphrase === undefined && !withPassphrase
  serverUrl(server)
  const gate = await readGatePass(context.io, options)
  const result = await context.withDevice(async (device) => {
    if (device.profile.signedIn) {
      throw new EngineError(
        'already-signed-in',
        `this profile is on ${device.profile.server} already, as "${device.profile.vault}"`,
      )
    }
    const password = await readPassword(context.io, { stdin: options.passwordStdin === true, prompt: 'Password', isNew: true })
    const deviceName = deviceNameOf(device, options.deviceName)
    const request = { server, vault, password, passphrase, passwordOnly, deviceName, setupToken, gate }
    const { passphrase: made, device: id } = await device.signIn({ ...request, intent: 'create' })
    const warning = passwordWarning(password, passwordOnly)
    const { uploaded } = await context.sync(device)
    return {
      vault,
      device: id,
      server: device.profile.server,
      uploaded,
      ...(made !== undefined && { passphrase: made }),
      ...(warning !== undefined && { warning }),
    }
  })
  context.out.result(result, () =>
    [
      `The profile is on ${result.server} as "${vault}": sent ${counted(result.uploaded.segments, 'segment')}.`,
      ...(result.passphrase === undefined
        ? []
        : ['', 'Every other device needs this passphrase beside the password:', '', `    ${result.passphrase}`]),
      ...(result.warning === undefined ? [] : ['', result.warning]),
      '',
      'Another device takes it with a code: lockstep profile share --code',
    ].join('\n'),
  )
}

interface ImportOptions extends GateOptions {
  readonly server: string
  readonly vault?: string
  readonly code?: string
  readonly as?: string
  readonly passphrase?: string
  readonly deviceName?: string
}

function importCommand(profile: Command, io: Io): void {
  const take = profile
    .command('import')
    .requiredOption('--server <url>', 'address of the server that it is on')
    .option('--vault <name>', 'its name there')
    .addOption(new Option('--code <code>', 'in place of the name: what profile share --code prints').conflicts('vault'))
    .option('--as <name>', 'what it is called here (default: its name there)')
    .option('--password-stdin', 'read its password from standard input')
    .option('--passphrase <words>', 'its passphrase, where it has one')
    .option('--device-name <name>', "this device's name (default: the host's)")
    .description('make a profile here of one that is on a server')
  onRun<ImportOptions>(gateOptions(take), io, async (context, _, options) => {
    if (options.vault === undefined && options.code === undefined) {
      throw new CliError('bad-usage', 'say which with --vault, or with --code')
    }
    if (options.as !== undefined) context.profiles.checkNew(options.as)
    const result = await importProfile(context, options)
    const { name, vault, downloaded } = result
    context.out.result(result, () =>
      [
        `"${vault}" is the profile "${name}" here: received ${counted(downloaded.segments, 'segment')}.`,
        `Use it with: lockstep profile switch ${name}`,
      ].join('\n'),
    )
  })
}

async function importProfile(context: Context, { code, ...options }: ImportOptions) {
  const { io, profiles } = context
  const { server, passphrase } = options
  serverUrl(server)
  const gate = await readGatePass(io, options)
  // Asked for first: a code is used up by looking at it.
  const password = await readPassword(io, { stdin: options.passwordStdin === true, prompt: 'Password', isNew: false })
  const temporary = freeName(context, 'import')
  const folder = profiles.create(temporary)
  let name: string | undefined
  try {
    const result = await context.withDevice(async (device) => {
      const vault = options.vault ?? (await device.sharing.takeCode({ server, code: code ?? '', gate })).vault
      const request = { server, vault, password, passphrase, passwordOnly: passphrase === undefined, gate }
      await device
        .signIn({ ...request, intent: 'join', deviceName: deviceNameOf(device, options.deviceName) })
        .catch((refused: unknown) => Promise.reject(explainRefusal(refused, { vault, byCode: code !== undefined, passphrase })))
      const { downloaded } = await context.sync(device)
      return { vault, device: device.id, server: device.profile.server, downloaded }
    }, folder)
    name = profiles.rename(temporary, options.as ?? nameFor(context, result.vault))
    return { name, ...result }
  } finally {
    if (name === undefined) profiles.discard(temporary)
  }
}

interface Asked {
  readonly vault: string
  readonly byCode: boolean
  readonly passphrase: string | undefined
}

/** What was wrong is not told by the server; what to try next is known here. */
function explainRefusal(refused: unknown, { vault, byCode, passphrase }: Asked): unknown {
  if (!(refused instanceof EngineError) || refused.code !== 'wrong-credentials') return refused
  const next = [
    ...(passphrase === undefined ? ['if it has a passphrase, give that with --passphrase'] : []),
    ...(byCode ? [`the code is used up: try again with --vault ${vault}`] : []),
  ]
  return next.length === 0 ? refused : new EngineError(refused.code, [refused.message, ...next].join('; '), { cause: refused })
}

/** The vault's own name where it can be one here and is free. */
function nameFor(context: Context, vault: string): string {
  const wished = vault.toLowerCase().replaceAll('.', '-').slice(0, 32)
  return freeName(context, isProfileName(wished) ? wished : 'profile')
}

function freeName({ profiles }: Context, wished: string): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? wished : `${wished.slice(0, 28)}-${i}`
    if (!profiles.has(name)) return name
  }
}

interface UnshareOptions extends GateOptions {
  readonly passphrase?: string
}

function unshareCommand(profile: Command, io: Io): void {
  const unshare = profile
    .command('unshare')
    .option('--password-stdin', 'read the password from standard input')
    .option('--passphrase <words>', 'the passphrase, where this device does not hold it')
    .description('remove this profile from its server, with what it has published; here, and on its other devices, it stays')
  onRun<UnshareOptions>(gateOptions(unshare), io, async (context, _, options) => {
    const { server, vault } = await context.withServer(options, async (device) => {
      requireSession(device)
      const { server, vault } = device.profile
      const password = await readPassword(io, { stdin: options.passwordStdin === true, prompt: 'Password', isNew: false })
      await removeFromServer(device, { password, passphrase: options.passphrase })
      return { server, vault }
    })
    context.out.done({ removed: true, server, vault }, () => `"${vault}" is no longer on ${server}. All of it is still here.`)
  })
}
