/** `lockstep import dataans …` and `lockstep import difflog …`: moving in from the apps whose servers speak the dialects. */
import { stat } from 'node:fs/promises'
import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { deriveDataansKey } from '@lockstep/import/dataans/envelope'
import { importDataansFile } from '@lockstep/import/dataans/file-import'
import { type DataansImportSummary, importDataansServer, type WaitingFile } from '@lockstep/import/dataans/server-import'
import { type Counts, type DifflogImportSummary, importDifflog } from '@lockstep/import/difflog/server-import'
import { ImportError } from '@lockstep/import/errors'
import type { Refused } from '@lockstep/import/source-tree'
import { WebSource } from '@lockstep/import/web-source'
import type { Command } from 'commander'
import { type Context, onRun } from '#context'
import { CliError } from '#errors'
import { type GateOptions, readGatePass } from '#gate'
import { dropLineEnd, readStdin, readText } from '#input'
import type { Io } from '#io'
import { readPassword } from '#password'
import { counted, printable } from '#table'

/** Bytes: an export is read as a whole. */
const MAX_EXPORT = 64 * 1024 * 1024
const SHOWN_FILES = 20

interface SourceOptions extends GateOptions {
  readonly server?: string
  readonly passphrase?: string
  readonly id?: string
}

export function importAppCommands(group: Command, io: Io): void {
  const dataans = group
    .command('dataans')
    .argument('[file]', 'a JSON export of Dataans; - is standard input')
    .option('--server <url>', 'address of a Dataans server, to import from it instead')
    .option('--passphrase <words>', 'the passphrase of the Dataans profile (else it is asked for)')
    .option('--password-stdin', 'read the password from standard input, and the passphrase from a second line')
    .description('import from a Dataans server, or from an export')
  onRun<SourceOptions>(sourceGateOptions(dataans), io, async (context, [file], options) => {
    const { server } = options
    if ((file === undefined) === (server === undefined)) {
      throw new CliError('bad-usage', 'name a file that Dataans exported, or a server with --server')
    }
    const summary =
      file === undefined ? await fromDataansServer(context, server as string, options) : await fromDataansFile(context, file)
    context.out.result(summary, () => describeDataans(summary))
  })

  const difflog = group
    .command('difflog')
    .requiredOption('--server <url>', 'address of the diff·log server')
    .requiredOption('--id <id>', "the profile's id there")
    .option('--password-stdin', 'read the password from standard input')
    .description('import a profile from a diff·log server: diffs, stars, TLDRs, interests and API keys')
  onRun<SourceOptions>(sourceGateOptions(difflog), io, async (context, _, options) => {
    const { server = '', id: profile = '' } = options
    const summary = await withSource(context, server, options, async (web, signal) => {
      const password = await readPassword(io, {
        stdin: options.passwordStdin === true,
        prompt: 'Password of the profile',
        isNew: false,
      })
      return context.withVault((vault) =>
        context.withProgress((progress) =>
          importDifflog(vault, {
            web,
            profile,
            password,
            now: io.now,
            dayOf: localDay,
            signal,
            onProgress: (done, total) => progress.update('Importing', done, total),
          }),
        ),
      )
    })
    context.out.result(summary, () => describeDifflog(summary))
  })
}

/** What is in the environment is for this device's own server: another one never gets to see it. */
function sourceGateOptions(command: Command): Command {
  return command
    .option('--access-token <jwt>', 'for a gate in front of that server; - reads it from standard input')
    .option('--access-client-id <id>', 'a service token of Cloudflare Access, in place of it')
    .option('--access-client-secret <secret>', 'its secret; - reads it from standard input')
}

async function withSource<T>(
  { io }: Context,
  server: string,
  options: SourceOptions,
  use: (web: WebSource, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const pass = await readGatePass({ ...io, env: {} }, options)
  const signal = io.interrupted()
  const { http, close } = createNodeHttp()
  try {
    return await use(new WebSource({ http, server, pass, now: io.now, signal }), signal)
  } finally {
    close()
  }
}

function fromDataansServer(context: Context, server: string, options: SourceOptions): Promise<DataansImportSummary> {
  const { io } = context
  return withSource(context, server, options, async (web, signal) => {
    const { password, passphrase } = await readSecrets(io, options)
    return context.withVault((vault) =>
      context.withProgress((progress) =>
        importDataansServer(vault, {
          web,
          deriveKey: () => deriveDataansKey(password, passphrase),
          now: io.now,
          signal,
          onProgress: (step, done, total) => progress.update(step, done, total),
        }),
      ),
    )
  })
}

async function fromDataansFile(context: Context, file: string): Promise<DataansImportSummary> {
  const { io } = context
  const size =
    file === '-'
      ? 0
      : await stat(file).then(
          (found) => found.size,
          () => 0,
        )
  if (size > MAX_EXPORT) {
    throw new ImportError(
      'source-invalid',
      `${file} is over the limit of ${MAX_EXPORT / 1024 / 1024} MiB for an export: import from the server`,
    )
  }
  const text = await readText(io, file)
  return context.withVault((vault) =>
    context.withProgress(async (progress) =>
      importDataansFile(vault, text, {
        now: io.now,
        signal: io.interrupted(),
        onProgress: (done, total) => progress.update('Importing', done, total),
      }),
    ),
  )
}

async function readSecrets(
  io: Io,
  { passphrase, passwordStdin }: SourceOptions,
): Promise<{ password: string; passphrase: string }> {
  if (passwordStdin !== true) {
    const password = await readPassword(io, { stdin: false, prompt: 'Dataans password', isNew: false })
    return {
      password,
      passphrase: passphrase ?? (await readPassword(io, { stdin: false, prompt: 'Dataans passphrase', isNew: false })),
    }
  }
  const text = dropLineEnd(await readStdin(io))
  const [password = '', second = ''] = passphrase === undefined ? text.split(/\r?\n/) : [text, passphrase]
  if (password === '' || second === '') {
    throw new CliError(
      'bad-usage',
      'standard input must hold two lines: the password and the passphrase (or give that with --passphrase)',
    )
  }
  return { password, passphrase: second }
}

function localDay(millis: number): string {
  const date = new Date(millis)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function describeDataans(summary: DataansImportSummary): string {
  const { spaces, added, updated, unchanged, inTrash, trashed, kept, files, moreFiles } = summary
  const inTrashToo = inTrash === 0 ? '' : ` (${inTrash} of them in the trash)`
  const waiting = files.length + moreFiles
  const unlisted = waiting - Math.min(files.length, SHOWN_FILES)
  return [
    `${counted(added, 'note')} added, ${updated} updated, ${unchanged} unchanged${inTrashToo}, ${counted(spaces, 'new space')}.`,
    ...(trashed > 0
      ? [`Deleted there since, and in the trash now: ${counted(trashed, 'note or space', 'notes and spaces')}.`]
      : []),
    ...(kept > 0
      ? [`Deleted there and kept, because they were changed later: ${counted(kept, 'note or space', 'notes and spaces')}.`]
      : []),
    ...(waiting > 0
      ? [
          `${counted(waiting, 'file')} cannot be stored by this release; keep the server until an import after an update has brought them:`,
          ...files.slice(0, SHOWN_FILES).map(describeFile),
          ...(unlisted > 0 ? [`  and ${unlisted} more: see --json`] : []),
        ]
      : []),
    ...describeRefused(summary),
  ].join('\n')
}

function describeFile({ id, name, onServer }: WaitingFile): string {
  const where = onServer === undefined ? '' : onServer ? ' (on the server)' : ' (not on the server)'
  return `  ${name === '' ? id : printable(name)}${where}`
}

function describeRefused({
  refused,
  moreRefused,
}: {
  readonly refused: readonly Refused[]
  readonly moreRefused: number
}): string[] {
  return [
    ...refused.map(({ path, reason }) => `Refused: ${printable(path)} ${printable(reason)}.`),
    ...(moreRefused > 0 ? [`Refused: ${moreRefused} more.`] : []),
  ]
}

function describeDifflog(summary: DifflogImportSummary): string {
  const { diffs, stars, tldrs, profileChanged, withoutDay } = summary
  return [
    `Diffs: ${describeCounts(diffs)}.`,
    `Stars: ${describeCounts(stars)}.`,
    `TLDRs: ${describeCounts(tldrs)}.`,
    profileChanged ? 'The profile is brought up to date.' : 'The profile is unchanged.',
    ...(withoutDay.length > 0 ? [`Kept without a day, because another diff has it: ${counted(withoutDay.length, 'diff')}.`] : []),
    ...describeRefused(summary),
  ].join('\n')
}

function describeCounts({ added, updated, unchanged, inTrash, removed }: Readonly<Counts>): string {
  const inTrashToo = inTrash === 0 ? '' : ` (${inTrash} of them taken away here)`
  return `${added} added, ${updated} updated, ${unchanged} unchanged${inTrashToo}${removed > 0 ? `, ${removed} removed` : ''}`
}
