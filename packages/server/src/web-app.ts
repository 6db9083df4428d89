/**
 * The web app's files as routes: each file that there is has one, every other path stays a 404 problem. The page is asked for anew
 * each time and mostly answered 304; what has its content's hash in its name is kept by browsers for a year.
 *
 * The headers are the page's walls: no script but the app's own files, no connection but to this server, no frame around it.
 */
import type { App } from '#services'

type Bytes = Uint8Array<ArrayBuffer>

/** From the one that is preferred to the one that everybody knows. */
const ENCODINGS = ['br', 'gzip'] as const
export type WebEncoding = (typeof ENCODINGS)[number]

export interface WebFile {
  /** As browsers ask for it: `/`, `/assets/index-0a1b2c3d.js`; `:id` stands for any one part. Letters, digits and `-._/`. */
  readonly path: string
  readonly mediaType: string
  /** Quoted, as in the header; names the content, in whatever encoding. */
  readonly etag: string
  /** Its name changes with its content. */
  readonly immutable: boolean
  readonly body: Bytes
  /** Shorter forms of the body, as soon as they are made. */
  readonly encoded: Readonly<Partial<Record<WebEncoding, Promise<Bytes>>>>
}

/**
 * What the app's page may do. Styles inline: the editor and the menus place themselves by them. Images over https: people allow
 * hosts one by one in the app, which asks for none before.
 */
export const WEB_APP_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: https:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': WEB_APP_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), serial=(), usb=()',
}

/** The encodings that a request takes, by its `Accept-Encoding`. */
function accepted(header: string | undefined): Set<string> {
  const names = (header ?? '').split(',').flatMap((part) => {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    return parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter)) ? [] : [name]
  })
  return new Set(names)
}

/** Whether a browser's copies (`If-None-Match`) include this one; compared weakly, as for a GET. */
function isKnown(header: string | undefined, etag: string): boolean {
  const plain = etag.replace(/^W\//, '')
  return (header ?? '').split(',').some((given) => given.trim().replace(/^W\//, '') === plain)
}

function headersOf({ etag, immutable }: WebFile): Record<string, string> {
  return {
    ...HEADERS,
    etag,
    vary: 'accept-encoding',
    // A proxy that writes into the page would break it: its scripts are not the app's own.
    'cache-control': immutable ? 'public, max-age=31536000, immutable, no-transform' : 'no-cache, no-transform',
  }
}

async function answerFile(file: WebFile, header: (name: string) => string | undefined): Promise<Response> {
  const headers = headersOf(file)
  if (isKnown(header('if-none-match'), file.etag)) return new Response(null, { status: 304, headers })
  const takes = accepted(header('accept-encoding'))
  const encoding = ENCODINGS.find((name) => takes.has(name) && file.encoded[name] !== undefined)
  const body = (encoding && (await file.encoded[encoding])) ?? file.body
  return new Response(body, {
    headers: {
      ...headers,
      'content-type': file.mediaType,
      'content-length': String(body.length),
      ...(encoding && { 'content-encoding': encoding }),
    },
  })
}

export function addWebRoutes(app: App, files: readonly WebFile[]): void {
  for (const file of files) app.get(file.path, (context) => answerFile(file, (name) => context.req.header(name)))
}
