/**
 * What a person has for the gate in front of a server. Kept in the home with the session, so it is given once, and again when
 * it has run out. Other users of the machine can see arguments: every secret is also taken from the environment or from
 * standard input.
 */
import { EngineError } from '@lockstep/engine/errors'
import { type GatePass, readPass } from '@lockstep/engine/gate'
import type { Command } from 'commander'
import { CliError } from '#errors'
import { dropLineEnd, readStdin } from '#input'
import type { Io } from '#io'

export interface GateOptions {
  readonly accessToken?: string
  readonly accessClientId?: string
  readonly accessClientSecret?: string
  readonly passwordStdin?: boolean
}

/** For commands that talk to this device's server. */
export function gateOptions(command: Command): Command {
  return command
    .option('--access-token <jwt>', 'for a gate in front of the server; - reads it from standard input (or LOCKSTEP_ACCESS_TOKEN)')
    .option('--access-client-id <id>', 'a service token of Cloudflare Access, in place of it (or LOCKSTEP_ACCESS_CLIENT_ID)')
    .option('--access-client-secret <secret>', 'its secret; - reads it from standard input (or LOCKSTEP_ACCESS_CLIENT_SECRET)')
}

/** Undefined where nothing was given: then the stored one is shown. @throws CliError `bad-usage` */
export async function readGatePass(io: Io, options: GateOptions): Promise<GatePass | undefined> {
  const given = (option: string | undefined, name: string) => option ?? (io.env[name] || undefined)
  const token = given(options.accessToken, 'LOCKSTEP_ACCESS_TOKEN')
  const clientId = given(options.accessClientId, 'LOCKSTEP_ACCESS_CLIENT_ID')
  const clientSecret = given(options.accessClientSecret, 'LOCKSTEP_ACCESS_CLIENT_SECRET')
  if ((clientId === undefined) !== (clientSecret === undefined)) {
    throw new CliError('bad-usage', 'a service token has two parts: --access-client-id and LOCKSTEP_ACCESS_CLIENT_SECRET')
  }
  const wanting = [token === '-', clientSecret === '-', options.passwordStdin === true].filter(Boolean).length
  if (wanting > 1) {
    throw new CliError(
      'bad-usage',
      'standard input holds one secret: give the others as LOCKSTEP_ACCESS_TOKEN or LOCKSTEP_ACCESS_CLIENT_SECRET',
    )
  }
  const read = async (text: string) => (text === '-' ? dropLineEnd(await readStdin(io)) : text)
  const pass: GatePass = {
    ...(token !== undefined && { accessToken: await read(token) }),
    ...(clientId !== undefined && clientSecret !== undefined && { service: { clientId, clientSecret: await read(clientSecret) } }),
  }
  if (pass.accessToken === undefined && pass.service === undefined) return undefined
  try {
    readPass(pass)
  } catch (error) {
    if (error instanceof EngineError) throw new CliError('bad-usage', error.message, { cause: error })
    throw error
  }
  return pass
}
