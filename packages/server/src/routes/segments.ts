/** The log's routes as the router sees them; push and pull themselves are in segments.ts. */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { requireSession } from '#access'
import { requestExchange, toResponse } from '#exchange'
import { jsonResponse } from '#problems'
import type { SegmentRoutes } from '#segments'
import type { App, Services } from '#services'

export const SEGMENTS_PATH = '/v1/segments'

export function addSegmentRoutes(app: App, services: Services, { push, pull }: SegmentRoutes): void {
  const { storage, policy, clock } = services

  app.post(SEGMENTS_PATH, async (context) => toResponse(await push(requestExchange(context.req.raw))))
  app.get(SEGMENTS_PATH, async (context) => toResponse(await pull(requestExchange(context.req.raw))))

  app.get('/v1/status', async (context) => {
    const { vault } = await requireSession(services, context.req.header('authorization'))
    const { head, chain, generation } = await storage.position(vault)
    return jsonResponse({
      head,
      chain: toBase64Url(chain),
      generation: toBase64Url(generation),
      ...(await storage.sizes(vault)),
      quota: policy.limits.quotaBytes,
      time: clock(),
    })
  })
}
