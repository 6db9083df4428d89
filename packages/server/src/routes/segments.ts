/** The log's routes as the router sees them; what they do is in segments.ts (push, pull) and merging.ts. */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { requireSession } from '#access'
import { requestExchange, toResponse } from '#exchange'
import type { MergeRoutes } from '#merging'
import { jsonResponse } from '#problems'
import type { SegmentRoutes } from '#segments'
import type { App, Services } from '#services'

export const SEGMENTS_PATH = '/v1/segments'

export function addSegmentRoutes(app: App, services: Services, { push, pull }: SegmentRoutes, merging: MergeRoutes): void {
  const { storage, policy, clock } = services

  app.post(SEGMENTS_PATH, async (context) => toResponse(await push(requestExchange(context.req.raw))))
  app.get(SEGMENTS_PATH, async (context) => toResponse(await pull(requestExchange(context.req.raw))))
  app.get('/v1/segments/index', async (context) => toResponse(await merging.index(requestExchange(context.req.raw))))
  app.post('/v1/segments/common', async (context) => toResponse(await merging.common(requestExchange(context.req.raw))))
  app.post('/v1/segments/merged', async (context) => toResponse(await merging.reserve(requestExchange(context.req.raw))))
  app.put('/v1/segments/merged/:merge/:part', async (context) => {
    const { merge, part } = context.req.param()
    return toResponse(await merging.upload(requestExchange(context.req.raw), merge, part))
  })
  app.post('/v1/segments/merged/:merge', async (context) =>
    toResponse(await merging.commit(requestExchange(context.req.raw), context.req.param('merge'))),
  )

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
