/** The command line: parses arguments, runs one command, turns its failure into a sentence and an exit status. */
import { Command, CommanderError } from 'commander'
import { accountCommands } from '#commands/account'
import { deviceCommands } from '#commands/device'
import { diffCommands } from '#commands/diff'
import { doctorCommands } from '#commands/doctor'
import { exportCommands } from '#commands/export'
import { importCommands } from '#commands/import'
import { noteCommands } from '#commands/note'
import { operateCommands } from '#commands/operate'
import { profileCommands } from '#commands/profile'
import { searchCommands } from '#commands/search'
import { serveCommands } from '#commands/serve'
import { spaceCommands } from '#commands/space'
import { starCommands } from '#commands/star'
import { syncCommands } from '#commands/sync'
import { trashCommands } from '#commands/trash'
import type { CommandGroup } from '#context'
import { describeFailure, EXIT, type ExitStatus } from '#errors'
import type { Io } from '#io'
import { Output } from '#output'
import { version } from '#version'

const GROUPS: readonly CommandGroup[] = [
  serveCommands,
  accountCommands,
  deviceCommands,
  syncCommands,
  doctorCommands,
  spaceCommands,
  noteCommands,
  trashCommands,
  searchCommands,
  diffCommands,
  starCommands,
  profileCommands,
  importCommands,
  exportCommands,
  operateCommands,
]

export function createProgram(io: Io): Command {
  const program = new Command('lockstep')
  // Commands take these settings over when they are made.
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // A usage error is told once, by run().
      writeErr: (text) => {
        if (!text.startsWith('error:')) io.stderr.write(text)
      },
      outputError: () => {},
    })
    .configureHelp({ showGlobalOptions: true })
  program
    .description('Notes and digests on your own devices, in step through a server that can read none of them.')
    .version(version(), '--version', 'print the version')
    .option('--home <dir>', "this device's folder (default: LOCKSTEP_HOME, else the platform's data folder)")
    .option('--profile <name>', 'one of the profiles below it (default: LOCKSTEP_PROFILE, else the one last switched to)')
    .option('--json', 'print JSON on stdout, and nothing else there')
    .option('--quiet', 'print only what was asked for')
    .showSuggestionAfterError()
  for (const group of GROUPS) group(program, io)
  return program
}

/** Runs one command line. Never throws. */
export async function run(args: readonly string[], io: Io): Promise<ExitStatus> {
  try {
    await createProgram(io).parseAsync([...args], { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done
      // A group without its command: the help, which says what there is, has been printed.
      if (error.code === 'commander.help') return EXIT.usage
    }
    const failure = describeFailure(error)
    new Output(io, { json: args.includes('--json'), quiet: false }).failure(failure)
    if (failure.code === 'unexpected-error' && io.env['LOCKSTEP_DEBUG'] !== undefined && error instanceof Error) {
      io.stderr.write(`${error.stack}\n`)
    }
    return failure.status
  }
}
