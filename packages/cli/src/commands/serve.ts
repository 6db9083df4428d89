/** `lockstep serve`: runs a server until it is told to stop. */
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GateKind, gateKind } from '@lockstep/server/auth/configured-gate'
import { ConfigError, isWithoutGate, loadConfig, NO_WEB_APP, type ServerConfig } from '@lockstep/server/config'
import { DIALECTS, type DialectName } from '@lockstep/server/dialects/dialect'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { type Command, Option } from 'commander'
import { type CommandGroup, type Context, onRun } from '#context'
import { CliError, messageOf } from '#errors'
import { serverFolder } from '#home'

/** Tests that kill the server for real need its own process id: the launcher's is another. */
const PID_FILE = 'server.pid'

const WEB_APP = fileURLToPath(new URL('../../../../apps/web/dist', import.meta.url))

const NO_GATE =
  'Warning: the Dataans dialect runs without a gate. Whoever can use this machine can read and change what it holds. ' +
  'Set up --access-team or --oidc-issuer before others can reach it.\n'

const many = (value: string, before: string[] | undefined) => [...(before ?? []), value]

function settings(serve: Command): Command {
  return serve
    .option('--port <number>', 'port to listen on; 0 takes a free one (default: 8787)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine only)')
    .option('--data <dir>', "data folder (default: the platform's data folder)")
    .addOption(
      new Option('--sign-up <policy>', 'who can make a vault (default: single, the first sign-in)').choices([
        'single',
        'open',
        'closed',
      ]),
    )
    .option('--setup-token <token>', 'what the first sign-in must show, where others can reach the server (default: made anew)')
    .option('--quota <bytes>', 'bytes that each vault may hold; 0 for no bound (default: 0)')
    .option('--web <dir>', "the built web app, or none (default: Lockstep's own, where it is built)", (dir) => dir || NO_WEB_APP)
    .option('--trusted-proxy <cidr>', 'network whose forwarded addresses are believed; may be given again', many)
    .option('--public-url <url>', 'the address people reach it by, when a proxy stands in front')
    .option('--allowed-origin <origin>', 'origin of another web app that may connect live; may be given again', many)
    .option('--tls-cert <file>', 'certificate chain, for HTTPS')
    .option('--tls-key <file>', 'its private key')
    .option('--metrics-token <token>', 'lets others than this machine read /metrics')
    .addOption(
      new Option('--log-level <level>', 'what is logged on stderr (default: info)').choices(['debug', 'info', 'warn', 'error']),
    )
    .option('--max-sockets <number>', 'connections at once (default: 10000)')
    .option('--request-timeout <seconds>', 'for a whole request to arrive (default: 300)')
    .option('--idle-timeout <seconds>', 'without a byte, until a connection is closed (default: 120)')
    .addOption(
      new Option('--dialect <name>', "also serve another product's clients; may be given again").choices(DIALECTS).argParser(many),
    )
    .option('--insecure-no-gate', 'lets the Dataans dialect do without a gate, on this machine alone')
    .option('--access-team <name>', 'Cloudflare Access stands in front: the team whose tokens count')
    .option('--access-aud <tag>', 'the AUD tag of its application; may be given again', many)
    .option('--access-certs-url <url>', "where its keys are (default: the team's own address)")
    .option('--oidc-issuer <url>', 'an OpenID Connect provider stands in front: who issues tokens')
    .option('--oidc-audience <text>', 'what its tokens must be for')
    .option('--oidc-allow <who>', 'subject or e-mail address that may pass, * for all; may be given again', many)
    .option('--difflog-item-bytes <bytes>', 'the most that a diff, star or TLDR may have (default: 1 MiB)')
    .option('--difflog-body-bytes <bytes>', 'the most that a diff·log request may have (default: 16 MiB)')
    .option('--difflog-quota <bytes>', 'bytes that each profile may hold; 0 for no bound (default: 12 MiB)')
    .option('--difflog-attempts <number>', 'wrong passwords for a profile from one network until it waits (default: 5)')
    .option('--difflog-lock-seconds <seconds>', 'how long it waits (default: 900)')
    .option('--dataans-file-bytes <bytes>', 'the most that a file may have (default: 2 GiB)')
    .option('--dataans-quota <bytes>', 'bytes that operations and files may hold; 0 for no bound (default: 0)')
    .option('--config <file>', 'JSON file with any of these settings; each is also read as LOCKSTEP_…')
    .option('--check-config', 'check the settings, print them, and end')
}

export const serveCommands: CommandGroup = (program, io) => {
  const serve = settings(program.command('serve').description('run a server'))
  onRun<Record<string, unknown>>(serve, io, async (context, _, { checkConfig, ...flags }) => {
    const config = loadConfig({ flags, environment: io.env, defaults: { data: serverFolder(io.env), ...builtWebApp() } })
    if (checkConfig === true) {
      const { setupToken, metricsToken, ...shown } = config
      const safe = { ...shown, setupToken: setupToken !== undefined, metricsToken: metricsToken !== undefined }
      context.out.result(safe, () => 'The settings are fine.')
      return
    }
    // Before the server starts: a signal that comes while it does must not leave it running.
    const stop = io.interrupted()
    const server = await start(config, (line) => io.stderr.write(line))
    const pidFile = join(config.data, PID_FILE)
    try {
      await writeFile(pidFile, `${process.pid}\n`)
      if (isWithoutGate(config)) io.stderr.write(NO_GATE)
      announce(context, config, server)
      await aborted(stop)
    } finally {
      await server.close()
      await rm(pidFile, { force: true })
    }
  })
}

/** Lockstep's own app, where it has been built. */
function builtWebApp(): { readonly web?: string } {
  return existsSync(join(WEB_APP, 'index.html')) ? { web: WEB_APP } : {}
}

async function start(config: ServerConfig, log: (line: string) => void): Promise<RunningServer> {
  try {
    return await startServer(config, { log })
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const { code, name } = error as NodeJS.ErrnoException
    const at = `${config.host}:${config.port}`
    if (code === 'EADDRINUSE')
      throw new CliError('cannot-listen', `${at} is taken, perhaps by a server that runs already: choose another --port`, {
        cause: error,
      })
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new CliError('cannot-listen', `the server cannot listen on ${at} (${code}): choose another --host or --port`, {
        cause: error,
      })
    }
    if (name === 'FolderInUseError') throw new CliError('folder-in-use', messageOf(error), { cause: error })
    throw error
  }
}

function announce({ out, io }: Context, config: ServerConfig, { url, setupToken }: RunningServer): void {
  const { data, signUp, dialect, publicUrl = url } = config
  const web = config.web !== NO_WEB_APP
  const gate = gateKind(config)
  const dialects = Object.fromEntries(dialect.map((name) => [name, publicUrl]))
  const token = setupToken === undefined ? {} : { setupToken }
  out.result({ url, pid: process.pid, data, signUp, dialects, gate: gate ?? null, web, ...token }, () => {
    const policy = {
      single: 'single: the first sign-in makes the one vault',
      open: 'open: anyone can make a vault',
      closed: 'closed: nobody can make a vault',
    }
    // Whoever began this with npm has no command of this name, and npx to run it with.
    const command = io.env['npm_lifecycle_event'] ? 'npx lockstep' : 'lockstep'
    const shown = setupToken === undefined ? '' : ` --setup-token ${setupToken}`
    return [
      `Lockstep server  ${url}`,
      ...(web ? [`Web app          ${publicUrl}`] : []),
      `Data folder      ${data}`,
      `Sign-up          ${policy[signUp]}`,
      ...(setupToken === undefined ? [] : [`Set-up token     ${setupToken}`]),
      ...(gate === undefined ? [] : [`Gate             ${gateLine(gate, config)}`]),
      `Sign in with     ${command} sign-in --server ${url}${shown}`,
      ...dialect.map((name) => dialectLine(name, publicUrl)),
      'Stop with        Ctrl-C',
    ].join('\n')
  })
}

function gateLine(kind: GateKind, { accessTeam, oidcIssuer }: ServerConfig): string {
  return kind === 'access' ? `Cloudflare Access, team ${accessTeam}` : `tokens of ${oidcIssuer}`
}

/** What its clients are to be told. */
function dialectLine(name: DialectName, url: string): string {
  return name === 'difflog' ? `diff·log         DIFFLOG_URL=${url}` : `Dataans          sync address ${url}`
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
