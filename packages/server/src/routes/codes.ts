/** Short codes [SHR-2]: made by a device that is signed in, taken by whoever has one. */
import { type Invitation, invitationSchema } from '@lockstep/protocol/http'
import { MAX_CODE_BODY_BYTES } from '@lockstep/protocol/limits'
import { clientOf, requireSession } from '#access'
import { readJson } from '#body'
import { requestExchange } from '#exchange'
import { jsonResponse, ProblemError } from '#problems'
import { requireAllowed } from '#refusals'
import type { App, Services } from '#services'

export function addCodeRoutes(app: App, services: Services): void {
  const { storage, codes, guesses, metrics } = services
  metrics.gauge('lockstep_codes_open', 'Short codes that can be taken.', () => codes.size)

  app.post('/v1/codes', async (context) => {
    const { vault } = await requireSession(services, context.req.header('authorization'))
    const invitation: Invitation = await readJson(requestExchange(context.req.raw), invitationSchema, MAX_CODE_BODY_BYTES)
    if (invitation.vault !== (await storage.vaultByKey(vault)).name) {
      throw new ProblemError('forbidden', 'vault: a device hands out codes for its own vault only')
    }
    const made = codes.make(vault, invitation)
    if (made === undefined) {
      throw new ProblemError('busy', 'too many codes are open: try again in a minute', { headers: { 'retry-after': '60' } })
    }
    metrics.count('lockstep_codes_total', 1, { outcome: 'made' })
    return jsonResponse(made, 201)
  })

  app.get('/v1/codes/:code', async (context) => {
    // It has an effect: a HEAD, which the router answers as a GET without its body, would use the code up.
    if (context.req.method === 'HEAD') {
      throw new ProblemError('method-not-allowed', 'this route takes GET', { headers: { allow: 'GET' } })
    }
    const guess = requireAllowed(await guesses.code(clientOf(services, context).network))
    const invitation = codes.take(context.req.param('code').toUpperCase())
    metrics.count('lockstep_codes_total', 1, { outcome: invitation === undefined ? 'unknown' : 'taken' })
    if (invitation === undefined) {
      throw new ProblemError('code-unknown', 'there is no such code: it may be mistyped, used already, or older than two minutes')
    }
    await guess.withdraw()
    return jsonResponse(invitation)
  })
}
