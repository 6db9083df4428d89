/** What every command gets: its options, its output, and this home's device, opened for it and closed after it. */
import { mkdirSync } from 'node:fs'
import type { Device } from '@lockstep/engine/device'
import { openDevice } from '@lockstep/engine/platform/node/device'
import { type LockstepVault, schema, type Tables } from '@lockstep/model/schema'
import type { Command } from 'commander'
import { CliError } from '#errors'
import { type GateOptions, readGatePass } from '#gate'
import { homeFolder } from '#home'
import type { Io } from '#io'
import { Output } from '#output'
import { Profiles } from '#profiles'
import { createProgress, type Progress } from '#progress'

export type LockstepDevice = Device<Tables>

export interface GlobalOptions {
  readonly home?: string
  readonly profile?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export class Context {
  readonly io: Io
  readonly out: Output
  readonly profiles: Profiles
  readonly #given: string | undefined

  constructor(io: Io, { home, profile, json, quiet }: GlobalOptions) {
    this.io = io
    this.out = new Output(io, { json: json === true, quiet: quiet === true })
    this.profiles = new Profiles(homeFolder(home, io.env))
    this.#given = profile ?? (io.env['LOCKSTEP_PROFILE'] || undefined)
  }

  /** Name of the profile that this command is about. */
  get profile(): string {
    return this.#given ?? this.profiles.current()
  }

  /** Its folder. @throws CliError `no-such-profile` */
  get home(): string {
    return this.profiles.folderOf(this.profile)
  }

  get now(): number {
    return this.io.now()
  }

  /** Opens the device of a profile, this command's unless another's folder is given; the caller closes it. */
  async openDevice(home: string = this.home): Promise<LockstepDevice> {
    try {
      mkdirSync(home, { recursive: true, mode: 0o700 })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new CliError('home-unusable', `the home folder ${home} cannot be made (${code}): name another with --home`, {
        cause: error,
      })
    }
    return openDevice({ home, schema })
  }

  async withDevice<T>(use: (device: LockstepDevice) => T | Promise<T>, home: string = this.home): Promise<T> {
    const device = await this.openDevice(home)
    try {
      return await use(device)
    } finally {
      await device.close()
    }
  }

  /** For a command that talks to this device's server: shows the gate in front of it what was given. */
  withServer<T>(options: GateOptions, use: (device: LockstepDevice) => T | Promise<T>): Promise<T> {
    return this.withDevice(async (device) => {
      await this.useGatePass(device, options)
      return use(device)
    })
  }

  async useGatePass(device: LockstepDevice, options: GateOptions): Promise<void> {
    const pass = await readGatePass(this.io, options)
    if (pass !== undefined) device.useGatePass(pass)
  }

  withVault<T>(use: (vault: LockstepVault) => T | Promise<T>): Promise<T> {
    return this.withDevice((device) => use(device.vault))
  }

  async withProgress<T>(use: (progress: Progress) => Promise<T>): Promise<T> {
    const progress = createProgress(this.io, this.out)
    try {
      return await use(progress)
    } finally {
      progress.end()
    }
  }

  /** Until somebody interrupts it; says how far it is. @throws as `Device.sync` */
  sync(device: LockstepDevice): ReturnType<LockstepDevice['sync']> {
    return this.withProgress((progress) =>
      device.sync({
        signal: this.io.interrupted(),
        onProgress: ({ phase, done, total }) => progress.update(phase === 'upload' ? 'Sending' : 'Receiving', done, total),
      }),
    )
  }
}

/** Adds commands to the program; one function for each group of them. */
export type CommandGroup = (program: Command, io: Io) => void

/** Gives a command its handler: arguments in order, then its own options. */
export function onRun<O extends object, A extends readonly unknown[] = readonly string[]>(
  command: Command,
  io: Io,
  handler: (context: Context, args: A, options: O) => Promise<void> | void,
): void {
  command.action(async () => {
    await handler(
      new Context(io, command.optsWithGlobals<GlobalOptions>()),
      command.processedArgs as unknown as A,
      command.opts<O>(),
    )
  })
}
