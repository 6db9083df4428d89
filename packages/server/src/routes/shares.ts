/** Public links [SHR-1]: sealed bytes that a vault has published, for anyone who knows their id. What opens them is in the link. */
import { SHARE_MEDIA_TYPE, shareIdSchema } from '@lockstep/protocol/http'
import type { Context } from 'hono'
import { requireSession } from '#access'
import { describeIssue } from '#body'
import { requestExchange, requireMediaType } from '#exchange'
import { ProblemError } from '#problems'
import { quotaExceeded } from '#refusals'
import type { App, AppEnv, Services } from '#services'

const PATH = '/v1/shares/:id'
const HEADERS = {
  'content-type': SHARE_MEDIA_TYPE,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

function shareTaken(): ProblemError {
  return new ProblemError('share-taken', 'another vault has a share under this id')
}

/** @throws ProblemError `bad-request` */
function shareId(context: Context<AppEnv>): Uint8Array {
  const parsed = shareIdSchema.safeParse(context.req.param('id'))
  if (!parsed.success) throw new ProblemError('bad-request', `id: ${describeIssue(parsed.error)}`)
  return parsed.data
}

export function addShareRoutes(app: App, services: Services): void {
  const { storage, policy, clock, metrics, tidying } = services
  const { limits } = policy
  const count = (outcome: string) => metrics.count('lockstep_shares_total', 1, { outcome })

  app.put(PATH, async (context) => {
    const { vault } = await requireSession(services, context.req.header('authorization'))
    const id = shareId(context)
    const exchange = requestExchange(context.req.raw)
    requireMediaType(exchange.header('content-type'), SHARE_MEDIA_TYPE)
    const sealed = await exchange.body(limits.shareBytes)
    if (sealed.length === 0) throw new ProblemError('bad-request', 'there is no share in the body')
    const { outcome } = await storage.shares.put({
      vault,
      id,
      sealed,
      now: clock(),
      quota: limits.quotaBytes,
      most: limits.shares,
    })
    count(outcome)
    switch (outcome) {
      case 'stored':
        // What it took the place of leaves the disk.
        tidying.wake()
        return new Response(null, { status: 204 })
      case 'taken':
        throw shareTaken()
      case 'too-many':
        throw new ProblemError('too-many-shares', `a vault may have ${limits.shares} shares: unpublish one first`)
      case 'quota-exceeded':
        throw quotaExceeded(limits)
    }
  })

  app.delete(PATH, async (context) => {
    const { vault } = await requireSession(services, context.req.header('authorization'))
    if ((await storage.shares.remove(vault, shareId(context))) === 'taken') throw shareTaken()
    count('removed')
    tidying.wake()
    return new Response(null, { status: 204 })
  })

  app.get(PATH, async (context) => {
    const sealed = await storage.shares.get(shareId(context))
    if (sealed === undefined) throw new ProblemError('not-found', 'there is nothing under this link (any more)')
    return new Response(sealed as Uint8Array<ArrayBuffer>, { headers: HEADERS })
  })
}
