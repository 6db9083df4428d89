/** The vault's devices: who they are, and taking one its access. */

import { EngineError } from '@lockstep/engine/errors'
import type { RevocationResult } from '@lockstep/engine/sign-in'
import type { Command } from 'commander'
import { type CommandGroup, type Context, type LockstepDevice, onRun } from '#context'
import { type GateOptions, gateOptions } from '#gate'
import type { Io } from '#io'
import { confirm, passwordWarning, readPassword, readPasswordChange } from '#password'
import { localTime, printable, table } from '#table'

export const deviceCommands: CommandGroup = (program, io) => {
  const group = program.command('device').description("the vault's devices")
  listCommand(group, io)
  revokeCommand(group, io)
}

function listCommand(group: Command, io: Io): void {
  const list = group.command('list').description('list the devices that ever signed in')
  onRun<GateOptions>(gateOptions(list), io, async (context, _, options) => {
    const devices = await context.withServer(options, (device) => device.listDevices())
    context.out.result(devices, () =>
      table(
        ['ID', 'LAST SEEN', 'NAME'],
        devices.map(({ id, name, current, lastSeenAt, revoked }) => [
          id,
          localTime(lastSeenAt),
          `${name}${current ? ' (this one)' : ''}${revoked ? ' (revoked)' : ''}`,
        ]),
        'No devices.',
      ),
    )
  })
}

interface RevokeOptions extends GateOptions {
  readonly passwordStdin?: boolean
  readonly passphrase?: string
  readonly newPassword?: boolean
  readonly newPassphrase?: boolean
}

interface Typed {
  readonly currentPassword: string
  readonly newPassword: string | undefined
  readonly generatePassphrase: boolean
}

function revokeCommand(group: Command, io: Io): void {
  const revoke = group
    .command('revoke')
    .argument('<id>', 'as the list of devices shows it')
    .option('--password-stdin', 'read the current password from standard input; with --new-password a second line, the new one')
    .option('--passphrase <words>', 'the current passphrase, where this device does not hold it')
    .option('--new-password', 'change the password, too; all other devices are asked for it')
    .option('--new-passphrase', 'make a new passphrase, too, and print it')
    .description('end a lost device for good: it gets nothing of what is written from now on')
  onRun<RevokeOptions>(gateOptions(revoke), io, async (context, [id], options) => {
    const { result, warning, synced } = await context.withServer(options, async (device) => {
      requireSession(device)
      const typed = await askFor(io, device, options)
      const result = await device.revokeDevice({ id: id as string, currentPassphrase: options.passphrase, ...typed })
      const warning = typed.newPassword === undefined ? undefined : passwordWarning(typed.newPassword, isPasswordOnly(device))
      return { result, warning, synced: await sync(context, device) }
    })
    const { id: revoked, name, revokedBefore, repaired, passphrase } = result
    const unchanged = !revokedBefore && options.newPassword !== true && passphrase === undefined
    const value = {
      revoked,
      name,
      revokedBefore,
      synced,
      ...(repaired && { repaired }),
      ...(passphrase !== undefined && { passphrase }),
      ...(warning !== undefined && { warning }),
    }
    const text = () => describe(result, { synced, unchanged, warning })
    // A passphrase is shown here only, also to who wants it quiet.
    if (passphrase === undefined) context.out.done(value, text)
    else context.out.result(value, text)
  })
}

/** Before anything is typed that would be of no use. */
export function requireSession({ profile }: LockstepDevice): void {
  if (profile.signedIn) return
  throw new EngineError(profile.server === undefined ? 'not-signed-in' : 'needs-password', 'this device is not signed in')
}

function isPasswordOnly({ profile }: LockstepDevice): boolean {
  return profile.passphrase === undefined
}

async function askFor(io: Io, device: LockstepDevice, options: RevokeOptions): Promise<Typed> {
  const { passwordStdin: stdin = false, newPassword = false, newPassphrase = false } = options
  if (newPassword && stdin) {
    const { current, next } = await readPasswordChange(io, stdin)
    return { currentPassword: current, newPassword: next, generatePassphrase: newPassphrase }
  }
  const currentPassword = await readPassword(io, { stdin, prompt: 'Current password', isNew: false })
  // Who has the device has its passphrase, and may have watched the password being typed [KEY-3].
  const question = `That device holds the passphrase. Change ${isPasswordOnly(device) ? 'the password' : 'password and passphrase'} as well?`
  const both = !newPassword && !newPassphrase && io.stdin.isTTY === true && !stdin && (await confirm(io, question))
  const next = newPassword || both ? await readPassword(io, { stdin: false, prompt: 'New password', isNew: true }) : undefined
  return { currentPassword, newPassword: next, generatePassphrase: newPassphrase || (both && !isPasswordOnly(device)) }
}

/** The device is revoked whether or not this works. */
async function sync(context: Context, device: LockstepDevice): Promise<boolean> {
  try {
    await device.sync({ signal: context.io.interrupted() })
    return true
  } catch (error) {
    if (error instanceof EngineError) return false
    throw error
  }
}

function describe(
  { name, revokedBefore, repaired, passphrase }: RevocationResult,
  { synced, unchanged, warning }: { readonly synced: boolean; readonly unchanged: boolean; readonly warning: string | undefined },
): string {
  if (revokedBefore) return `"${printable(name)}" was revoked before; nothing was done.`
  return [
    `"${printable(name)}" is revoked: it is signed out, and cannot read what is written from now on. What it holds it still has.`,
    ...(unchanged
      ? ['It has kept the passphrase. If somebody may know the password, change both: lockstep passwd --new-passphrase "…"']
      : ['All other devices will ask for the new password or passphrase.']),
    ...(repaired ? [REPAIRED] : []),
    ...(synced ? [] : ['What is new here could not be sent just now: run lockstep sync.']),
    ...(passphrase === undefined ? [] : ['', 'The new passphrase:', '', `    ${passphrase}`]),
    ...(warning === undefined ? [] : ['', warning]),
  ].join('\n')
}

export const REPAIRED =
  "The server had an older list of the vault's keys than this device has seen: it was restored from a backup. It has all of them again."
