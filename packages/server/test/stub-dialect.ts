/** A dialect with nothing behind it: says what the app and the HTTP server do for every dialect. */
import type { CreateDialect } from '#dialects/dialect'
import { markStreamed } from '#exchange'
import { ProblemError } from '#problems'
import { StorageFullError } from '#storage/storage'

export interface Stub {
  readonly create: CreateDialect
  /** Chunks that were asked of the streamed answer under way. */
  pulled: number
  cancelled: number
  /** Bytes of upload bodies that a handler has read. */
  received: number
  /** Uploads whose body broke off. */
  broken: number
  /** Ends the uploads that nobody reads. */
  release: () => void
}

export const CHUNK = 64 * 1024
const JSON_LIMIT = 100_000
export const UPLOAD_LIMIT = 1_000_000_000

const THROWN: Record<string, () => unknown> = {
  problem: () => new ProblemError('forbidden', 'not here', { headers: { 'retry-after': '7' } }),
  full: () => new StorageFullError(),
  bug: () => new TypeError('a bug with a secret in it'),
}

/** A stream of zeros, made as it is asked for. */
function zeros(stub: Stub, chunks: number): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        stub.pulled += 1
        controller.enqueue(new Uint8Array(CHUNK))
        if (stub.pulled === chunks) controller.close()
      },
      cancel() {
        stub.cancelled += 1
      },
    },
    { highWaterMark: 0 },
  )
}

export function stubDialect(): Stub {
  const stub: Stub = {
    pulled: 0,
    cancelled: 0,
    received: 0,
    broken: 0,
    release: () => {},
    create: () => ({
      name: 'difflog',
      roots: ['stub', 'stub-open'],
      terms: (method, path) => ({
        bodyBytes: path.startsWith('/stub/upload') ? UPLOAD_LIMIT : JSON_LIMIT,
        upload: method === 'POST' && path.startsWith('/stub/upload'),
        ungated: path === '/stub-open',
      }),
      answerProblem: ({ code, message, parts }) => {
        const extra = { ...parts.headers, 'x-stub': code }
        return new Response(`stub: ${message}`, { status: code === 'request-timeout' ? 408 : 418, headers: extra })
      },
      addRoutes(app) {
        app.all('/stub/:rest{.+/}', (context) => context.redirect(context.req.path.replace(/\/$/, ''), 308))
        app.get('/stub/thing', (context) => context.text(context.req.method))
        app.put('/stub/thing', () => new Response(null, { status: 204 }))
        app.get('/stub-open', (context) => context.text('open'))
        app.post('/stub/throws/:what', (context) => {
          throw THROWN[context.req.param('what')]?.()
        })
        app.get('/stub/stream/:chunks', (context) => {
          const chunks = Number(context.req.param('chunks'))
          const length = context.req.query('length') ?? String(chunks * CHUNK)
          return markStreamed(new Response(zeros(stub, chunks), { headers: { 'content-length': length } }))
        })
        app.post('/stub/json', async (context) => context.text(String((await context.req.arrayBuffer()).byteLength)))
        app.post('/stub/upload/refused', () => new Response('no', { status: 403 }))
        app.post('/stub/upload/unread', async () => {
          await new Promise<void>((resolve) => {
            stub.release = resolve
          })
          return new Response('unread')
        })
        app.post('/stub/upload/read', async (context) => {
          try {
            for await (const chunk of context.req.raw.body ?? []) stub.received += chunk.length
          } catch {
            stub.broken += 1
          }
          return context.text(String(stub.received))
        })
      },
    }),
  }
  return stub
}
