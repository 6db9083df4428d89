/** `lockstep backup`, `restore` and `verify`: for who runs a server. */
import { randomBytes } from 'node:crypto'
import { loadConfig } from '@lockstep/server/config'
import { createBackup } from '@lockstep/server/operate/backup'
import type { Finding, OnProgress } from '@lockstep/server/operate/finding'
import { restoreBackup } from '@lockstep/server/operate/restore'
import { type VaultSummary, type VerifyReport, verify } from '@lockstep/server/operate/verify'
import type { Command } from 'commander'
import { type CommandGroup, type Context, onRun } from '#context'
import { CliError } from '#errors'
import { serverFolder } from '#home'
import type { Io } from '#io'
import type { Progress } from '#progress'
import { bytes, counted, localTime, printable } from '#table'
import { version } from '#version'

interface DataOptions {
  readonly data?: string
  readonly config?: string
}

/** The folder that `serve` with the same settings would use. */
function dataFolderOf(io: Io, { data, config }: DataOptions): string {
  return loadConfig({ flags: { data, config }, environment: io.env, defaults: { data: serverFolder(io.env) } }).data
}

function withDataOptions(command: Command): Command {
  return command
    .option('--data <dir>', "the server's data folder (default: as for serve)")
    .option('--config <file>', "the server's file of settings, which names the data folder")
}

const STAGES: Readonly<Record<Parameters<OnProgress>[0], string>> = {
  copying: 'Copying',
  reading: 'Reading',
  checking: 'Checking',
}

const show =
  (progress: Progress): OnProgress =>
  (stage, done, total) =>
    progress.update(STAGES[stage], done, total)

export const operateCommands: CommandGroup = (program, io) => {
  const backup = withDataOptions(program.command('backup').argument('<dest>', 'a new folder')).description(
    "copy a server's data as it is now, while the server runs",
  )
  onRun<DataOptions>(backup, io, async (context, [dest = ''], options) => {
    const report = await context.withProgress((progress) =>
      createBackup({
        data: dataFolderOf(io, options),
        destination: dest,
        version: version(),
        now: io.now(),
        signal: io.interrupted(),
        onProgress: show(progress),
      }),
    )
    const { vaults } = report.verified
    context.out.result(
      { path: report.path, bytes: report.bytes, files: report.files, fileBytes: report.fileBytes, vaults: vaults.map(vaultJson) },
      () => {
        const files = report.files === 0 ? '' : `, ${counted(report.files, 'file')} of ${bytes(report.fileBytes)}`
        return `Backed up and verified: ${counted(vaults.length, 'vault')}${files}, ${bytes(report.bytes)} in ${report.path}.`
      },
    )
  })

  const restore = withDataOptions(program.command('restore').argument('<backup>', 'a folder that backup made'))
    .option('--replace', 'move the database that is there aside')
    .description("make a backup the server's data; the server must be stopped")
  onRun<DataOptions & { replace?: boolean }>(restore, io, async (context, [from = ''], options) => {
    const report = await context.withProgress(async (progress) =>
      restoreBackup({
        backup: from,
        data: dataFolderOf(io, options),
        replace: options.replace === true,
        random: (length) => new Uint8Array(randomBytes(length)),
        now: io.now(),
        onProgress: show(progress),
      }),
    )
    const { data, createdAt, movedTo, verified } = report
    context.out.result({ data, createdAt, movedTo: movedTo ?? null, vaults: verified.vaults.map(vaultJson) }, () =>
      [
        `Restored ${counted(verified.vaults.length, 'vault')} as of ${localTime(createdAt)} to ${data}.`,
        ...(movedTo === undefined ? [] : [`What was there is in ${movedTo}.`]),
        'Devices stay signed in: at their next sync they notice, and send back what they have and the backup does not.',
        'Devices that were revoked, and passwords that were changed, since then are as they were: do it again.',
      ].join('\n'),
    )
  })

  const check = withDataOptions(
    program.command('verify').argument('[path]', "a data folder or a backup (default: the server's data folder)"),
  ).description("check a server's data or a backup for completeness, without any key")
  onRun<DataOptions, readonly [string | undefined]>(check, io, async (context, [path], options) => {
    const folder = path ?? dataFolderOf(io, options)
    const report = await context.withProgress(async (progress) => verify({ path: folder, onProgress: show(progress) }))
    tell(context, folder, report)
  })
}

function vaultJson({ name, head, segments, bytes: stored, runs }: VaultSummary) {
  return { name, head, segments, bytes: stored, runs }
}

/** @throws CliError `damaged` */
function tell(context: Context, folder: string, { kind, vaults, dialects, findings, damaged }: VerifyReport): void {
  const found = findings.map(({ vault, ...finding }) => ({ vault: vault ?? null, ...finding }))
  context.out.result(
    { path: folder, kind, damaged, vaults: vaults.map(vaultJson), dialects: dialects ?? null, findings: found },
    () =>
      [
        ...vaults.map(
          ({ name, head, segments, bytes: stored, runs }) =>
            `${printable(name)}: ${counted(segments, 'segment')} up to ${head}, ${counted(runs, 'merged run')}, ${bytes(stored)}`,
        ),
        ...dialectLines(dialects),
        ...findings.map(findingLine),
        ...(damaged ? [] : [`${kind === 'backup' ? 'The backup' : 'The data'} in ${folder} is complete.`]),
      ].join('\n'),
  )
  if (damaged) throw new CliError('damaged', `${folder} is damaged`)
}

/** Of those that hold anything. */
function dialectLines(dialects: VerifyReport['dialects']): string[] {
  if (dialects === undefined) return []
  const { dataans, difflog } = dialects
  const lines: string[] = []
  if (dataans.operations + dataans.files > 0) {
    const [operations, files] = [counted(dataans.operations, 'operation'), counted(dataans.files, 'file')]
    lines.push(`Dataans: ${operations}, ${bytes(dataans.operationBytes)}, and ${files}, ${bytes(dataans.fileBytes)}`)
  }
  if (difflog.profiles > 0) {
    lines.push(`diff·log: ${counted(difflog.profiles, 'profile')}, ${counted(difflog.rows, 'row')}, ${bytes(difflog.bytes)}`)
  }
  return lines
}

function findingLine({ severity, vault, message, remedy }: Finding): string {
  return `${severity === 'damage' ? 'DAMAGED' : 'Note'}: ${vault === undefined ? '' : `${printable(vault)}: `}${printable(message)}; ${remedy}`
}
