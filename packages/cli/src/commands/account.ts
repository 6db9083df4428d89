/** Signing in and out, the password and the passphrase. */
import type { DeviceState } from '@lockstep/engine/device'
import { EngineError } from '@lockstep/engine/errors'
import { serverUrl } from '@lockstep/engine/remote'
import { type Command, Option } from 'commander'
import { REPAIRED, requireSession } from '#commands/device'
import { type CommandGroup, type LockstepDevice, onRun } from '#context'
import { deviceNameOf } from '#device-name'
import { CliError } from '#errors'
import { type GateOptions, gateOptions, readGatePass } from '#gate'
import type { Io } from '#io'
import { confirm, passwordWarning, readPassword, readPasswordChange } from '#password'

export const accountCommands: CommandGroup = (program, io) => {
  signInCommand(program, io)
  signOutCommand(program, io)
  passwordCommands(program, io)
}

interface SignInOptions extends GateOptions {
  readonly server: string
  readonly vault: string
  readonly passwordStdin?: boolean
  readonly passphrase?: string
  readonly new?: boolean
  readonly merge?: boolean
  readonly passwordOnly?: boolean
  readonly deviceName?: string
  readonly setupToken?: string
}

type SignInRequest = Parameters<LockstepDevice['signIn']>[0]

function signInCommand(program: Command, io: Io): void {
  const signIn = program
    .command('sign-in')
    .requiredOption('--server <url>', 'address of the server')
    .option('--vault <name>', "the vault's name on the server", 'main')
    .option('--password-stdin', 'read the password from standard input')
    .addOption(
      new Option('--passphrase <words>', 'sign in as another device of an existing vault, with its passphrase').conflicts(
        'passwordOnly',
      ),
    )
    .option(
      '--new',
      'this is the first device: make the vault (or, on a server that lacks it, the one that is here); with --passphrase, one of your own',
    )
    .addOption(new Option('--merge', 'what this home has of a vault that it is signed out of goes into this one').conflicts('new'))
    .option('--password-only', 'a vault without a passphrase: whoever guesses the password can read it')
    .option('--device-name <name>', "this device's name (default: the one it has, else the host's)")
    .option('--setup-token <token>', 'what the server printed when it was started, to make its first vault')
    .description('sign in; without --passphrase as the first device, which makes the vault and gets a passphrase')
  onRun<SignInOptions>(gateOptions(signIn), io, async (context, _, options) => {
    const { server, vault, passphrase, passwordOnly = false, setupToken } = options
    const create = options.new === true || (passphrase === undefined && options.merge !== true)
    // Nobody types a password for an address that is none.
    serverUrl(server)
    const gate = await readGatePass(io, options)
    const password = await readPassword(io, { stdin: options.passwordStdin === true, prompt: 'Password', isNew: create })
    const result = await context.withDevice(async (device) => {
      if (options.new === true && device.profile.signedIn && !(await confirmMove(io, device, server)))
        throw new CliError('not-confirmed', 'nothing was done')
      const deviceName = deviceNameOf(device, options.deviceName)
      const request = { server, vault, password, passphrase, passwordOnly, deviceName, setupToken, gate }
      if (options.merge === true) return device.signIn({ ...request, intent: 'join', move: true })
      return passwordOnly && options.new !== true
        ? signInWithPasswordOnly(device, request)
        : device.signIn({ ...request, intent: create ? 'create' : 'join', move: options.new })
    })
    const warning = result.created ? passwordWarning(password, passwordOnly) : undefined
    context.out.result({ ...result, ...(warning !== undefined && { warning }) }, () =>
      [
        describeSignIn(result),
        ...(result.repaired === true ? [REPAIRED] : []),
        ...(result.passphrase === undefined
          ? []
          : [
              '',
              'Your passphrase. Every other device needs it beside the password; write it down where you will find it:',
              '',
              `    ${result.passphrase}`,
              '',
              'Any signed-in device shows it again with: lockstep passphrase',
            ]),
        ...(warning === undefined ? [] : ['', warning]),
      ].join('\n'),
    )
  })
}

function describeSignIn({ vault, created, moved }: Awaited<ReturnType<LockstepDevice['signIn']>>): string {
  if (moved === true)
    return `The vault of this device is "${vault}" on this server now: sync to bring everything there. Its other devices follow when they sign in there.`
  return created ? `The vault "${vault}" is made, and this device is signed in to it.` : `This device is signed in to "${vault}".`
}

/** A device has one vault: making one elsewhere takes the one that it has there. */
function confirmMove(io: Io, { profile }: LockstepDevice, server: string): Promise<boolean> {
  return confirm(io, `This device is signed in to "${profile.vault}" at ${profile.server}. Move its vault to ${server}?`)
}

/**
 * Nothing but the server can tell the first device of such a vault from another one, and asking costs: a vault that is not there counts
 * as a wrong password, one that is to be made and is there does, too [KEY-10]. A home that has something and was in no vault yet is
 * most likely the first; an empty one, or one that comes back, is another device. The other possibility comes second.
 */
async function signInWithPasswordOnly(
  device: LockstepDevice,
  request: Omit<SignInRequest, 'intent'>,
): ReturnType<LockstepDevice['signIn']> {
  const { state, pending } = device.status()
  const create = () => device.signIn({ ...request, intent: 'create' })
  const join = () => device.signIn({ ...request, intent: 'join' })
  const isVaultThere = (refused: unknown) => refused instanceof EngineError && saysThatVaultIsThere(refused, state)
  if (state !== 'not-on-server' && (state !== 'local' || pending > 0)) {
    return create().catch((refused: unknown) => {
      if (isVaultThere(refused)) return join()
      throw refused
    })
  }
  return join().catch((wrong: unknown) => {
    if (!(wrong instanceof EngineError) || wrong.code !== 'wrong-credentials') throw wrong
    return create().catch((refused: unknown) => {
      throw isVaultThere(refused) ? wrong : refused
    })
  })
}

function saysThatVaultIsThere(refused: EngineError, state: DeviceState): boolean {
  // A home that still holds a vault's keys is to be told that it may take them along; another one can only join.
  if (refused.code === 'wrong-vault') return state !== 'needs-password'
  // A missing set-up token is the person's to give; any other refusal to make a vault means that there is one.
  return refused.code === 'sign-up-refused' && (refused as { problem?: unknown }).problem !== 'setup-token-required'
}

interface SignOutOptions extends GateOptions {
  readonly wipe?: boolean
}

function signOutCommand(program: Command, io: Io): void {
  const signOut = program
    .command('sign-out')
    .option('--wipe', "remove this device's copy of the vault too, with what was never synced")
    .description('end the session and remove the keys; the notes stay on this device')
  onRun<SignOutOptions>(gateOptions(signOut), io, async (context, _, options) => {
    const { wipe = false } = options
    const device = await context.openDevice()
    await context.useGatePass(device, options)
    const { signedIn } = device.profile
    const { serverTold } = await device.signOut({ wipe })
    // A wiped device is closed already.
    if (!wipe) await device.close()
    if (signedIn && !serverTold)
      context.out.note('The server could not be told: the session there ends when it expires or the password changes.')
    context.out.done({ signedOut: true, wiped: wipe, serverTold }, () =>
      wipe ? 'Signed out, and everything here is removed.' : 'Signed out.',
    )
  })
}

interface PasswdOptions extends GateOptions {
  readonly passwordStdin?: boolean
  readonly passphrase?: string
  readonly newPassphrase?: string
}

function passwordCommands(program: Command, io: Io): void {
  const passwd = program
    .command('passwd')
    .option('--password-stdin', 'read two lines from standard input: the current password, the new one')
    .option('--passphrase <words>', 'the current passphrase, where this device does not hold it')
    .option('--new-passphrase <words>', 'change the passphrase too')
    .description('change the password; all other devices are asked for the new one')
  onRun<PasswdOptions>(gateOptions(passwd), io, async (context, _, options) => {
    const { passwordStdin, passphrase, newPassphrase } = options
    const { repaired, warning } = await context.withServer(options, async (device) => {
      requireSession(device)
      const { current, next } = await readPasswordChange(io, passwordStdin === true)
      const change = { currentPassword: current, currentPassphrase: passphrase, newPassword: next, newPassphrase }
      const { repaired } = await device.changePassword(change)
      return { repaired, warning: passwordWarning(next, device.profile.passphrase === undefined) }
    })
    context.out.done({ changed: true, ...(repaired && { repaired }), ...(warning !== undefined && { warning }) }, () =>
      [
        'The password is changed. Other devices will ask for the new one.',
        ...(repaired ? [REPAIRED] : []),
        ...(warning === undefined ? [] : [warning]),
      ].join('\n'),
    )
  })

  onRun(program.command('passphrase').description("print the vault's passphrase"), io, async (context) => {
    const { passphrase, signedIn } = await context.withDevice(({ profile }) => profile)
    if (passphrase === undefined) {
      if (!signedIn) throw new EngineError('not-signed-in', 'this device is not signed in, so it holds no passphrase')
      throw new CliError('no-passphrase', 'this vault has no passphrase: its password alone opens it')
    }
    context.out.result({ passphrase }, () => passphrase)
  })
}
