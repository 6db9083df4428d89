/** Who a request is from: its session, its network. */
import type { Context } from 'hono'
import type { Session } from '#auth/sessions'
import { type Client, identifyClient } from '#network'
import { ProblemError } from '#problems'
import { vaultRemoved } from '#refusals'
import type { AppEnv, Services } from '#services'

/** @throws ProblemError `unauthorized`, `vault-removed` */
export async function requireSession({ sessions }: Services, authorization: string | undefined): Promise<Session> {
  const session = await sessions.ofHeader(authorization)
  if (session === 'vault-removed') throw vaultRemoved()
  if (session !== undefined) return session
  throw new ProblemError('unauthorized', 'sign in: there is no session with this token', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

export function clientOf({ policy }: Services, context: Context<AppEnv>): Client {
  return identifyClient(context.env?.peer ?? '', context.req.header('x-forwarded-for'), policy.trustedProxies)
}
