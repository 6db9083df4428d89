/**
 * The Dataans dialect: what the desktop client of that name (0.3 and later) expects from its sync server, so that it can be
 * pointed at this one as it is. One server has one user; who it is, the gate in front says.
 *
 * | routes | file |
 * | --- | --- |
 * | `/health`, `/health/auth` | here |
 * | `/health/authorize.html` | authorize.ts |
 * | `/user` | user.ts |
 * | `/data/block`, `/data/operation` | operations.ts |
 * | `/file/:id`, `/file/:id/exists` | files.ts |
 */
import { problemAsError } from '#dialects/dataans/answers'
import { addAuthorizeRoute } from '#dialects/dataans/authorize'
import { addFileRoutes, type FilesOptions } from '#dialects/dataans/files'
import { addOperationRoutes } from '#dialects/dataans/operations'
import { addUserRoutes } from '#dialects/dataans/user'
import type { CreateDialect } from '#dialects/dialect'
import type { App } from '#services'

/** Of one body of operations: about 70 MB of their data. A client sends all that it has at its first sync. */
const OPERATIONS_BYTES = 256 * 1024 * 1024
/** Of any other body but a file. */
const SMALL_BYTES = 64 * 1024

export interface DataansOptions extends FilesOptions {
  /** Of one body of operations. */
  readonly operationsBytes?: number
}

function textResponse(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } })
}

export function createDataans(options: DataansOptions): CreateDialect {
  const { fileBytes, quotaBytes, operationsBytes = OPERATIONS_BYTES } = options
  return (services) => ({
    name: 'dataans',
    roots: ['health', 'user', 'data', 'file'],
    addRoutes(app: App) {
      app.get('/health', () => textResponse('ok'))
      app.get('/health/auth', () => textResponse('auth_ok'))
      addAuthorizeRoute(app, services)
      addUserRoutes(app, services)
      addOperationRoutes(app, services, { bodyBytes: operationsBytes, quotaBytes })
      addFileRoutes(app, services, options)
    },
    terms(method, path) {
      const ungated = path === '/health' && (method === 'GET' || method === 'HEAD')
      if (path.startsWith('/file/')) return { bodyBytes: fileBytes, upload: true, ungated }
      if (path.startsWith('/data/')) return { bodyBytes: operationsBytes, upload: true, ungated }
      return { bodyBytes: SMALL_BYTES, ungated }
    },
    answerProblem: problemAsError,
  })
}
