/** What all routes of the dialect have in common: bare paths, other origins, and the form of refusals. */
import { Refusal } from '#dialects/difflog/refusal'
import type { Tools } from '#dialects/difflog/tools'
import { ProblemError } from '#problems'
import type { App } from '#services'

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
  'access-control-allow-headers': 'content-type',
  'access-control-max-age': '600',
}

/** A path with slashes at its end is answered with where it is without them. */
function barePath(url: string): string | undefined {
  const { pathname, search } = new URL(url)
  return pathname.endsWith('/') ? `${pathname.replace(/\/+$/, '')}${search}` : undefined
}

/** Before any route. @param origins other than the server's own whose pages may ask */
export function addRouting(app: App, origins: readonly string[]): void {
  app.use('/api/*', async (context, next) => {
    const origin = context.req.header('origin')
    const allowed = origin !== undefined && origins.includes(origin)
    const bare = barePath(context.req.url)
    if (allowed && context.req.method === 'OPTIONS') context.res = new Response(null, { status: 204, headers: PREFLIGHT })
    else if (bare !== undefined) context.res = new Response(null, { status: 308, headers: { location: bare } })
    else await next()
    if (!allowed) return
    context.res.headers.set('access-control-allow-origin', origin)
    context.res.headers.append('vary', 'origin')
    context.res.headers.set('access-control-expose-headers', 'retry-after')
  })
  // Else it would be a profile of this name for the methods that profiles have.
  app.use('/api/profile/create', async ({ req }, next) => {
    if (req.method === 'POST') return next()
    throw new ProblemError('method-not-allowed', 'this route takes POST', { headers: { allow: 'POST' } })
  })
}

export function createRoute(app: App): Tools['route'] {
  return (method, path, handler) => {
    app.on(method, path, async (context) => {
      try {
        return await handler(context)
      } catch (error) {
        if (error instanceof Refusal) return error.toResponse()
        throw error
      }
    })
  }
}
