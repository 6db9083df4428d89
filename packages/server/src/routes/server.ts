/** What the server says about itself. */
import type { Context } from 'hono'
import { clientOf } from '#access'
import { homePage, PAGE_HEADERS } from '#home-page'
import { METRICS_MEDIA_TYPE } from '#metrics'
import { jsonResponse, ProblemError } from '#problems'
import type { App, AppEnv, Services } from '#services'

/** What stands at `/` where there is no app. */
export function addHomeRoute(app: App, { policy }: Services): void {
  app.get('/', () => new Response(homePage(policy), { headers: PAGE_HEADERS }))
}

export function addServerRoutes(app: App, services: Services): void {
  const { policy, metrics, secrets } = services
  const { version, signUp, limits, setupToken } = policy

  app.get('/v1/server', () =>
    jsonResponse({
      product: 'lockstep',
      version,
      protocols: [1],
      signUp,
      setupTokenRequired: signUp === 'single' && setupToken !== undefined,
      limits,
    }),
  )

  app.get('/healthz', async () => {
    // A read of the database: a server whose disk is gone is not healthy.
    await services.storage.hasVaults()
    return new Response('ok\n', { headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } })
  })

  const mayReadMetrics = (context: Context<AppEnv>): boolean => {
    const token = /^bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '')?.[1]
    if (token !== undefined) return policy.metricsToken !== undefined && secrets.sameText(token, policy.metricsToken)
    return clientOf(services, context).local
  }

  app.get('/metrics', (context) => {
    if (!mayReadMetrics(context)) throw new ProblemError('forbidden', 'metrics are for this machine or for the metrics token')
    return new Response(metrics.text(), { headers: { 'content-type': METRICS_MEDIA_TYPE, 'cache-control': 'no-store' } })
  })

  // The WebSocket itself is taken over before it gets here.
  app.get('/v1/live', () => {
    throw new ProblemError('bad-request', 'this route speaks WebSocket')
  })
}
