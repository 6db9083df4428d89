/**
 * Documents of a token issuer: small JSON files at addresses that its operator named. Whatever answers there decides who
 * gets in, so it is asked over HTTPS (plain HTTP only on this machine), is not followed elsewhere, and gets neither the
 * time nor the room to hold the server up.
 */

/** Key sets of large issuers, certificates included, stay below a tenth of this. */
const MAX_DOCUMENT_BYTES = 256 * 1024
const TIMEOUT_MILLISECONDS = 5000

/** What is asked of the platform's `fetch`. */
export type IssuerFetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly redirect: 'manual'; readonly signal: AbortSignal },
) => Promise<Response>

/** No document, or not the one that was asked for. The message has no secrets: it is for the operator. */
export class IssuerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'IssuerError'
  }
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

/** @throws RangeError with a sentence that begins with `what` */
export function issuerUrl(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new RangeError(`${what} is not a URL`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    throw new RangeError(`${what} must begin with https:// (http:// only for this machine)`)
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new RangeError(`${what} must have no user name and no fragment`)
  }
  return url
}

/** @throws IssuerError */
export async function fetchDocument(fetch: IssuerFetch, url: URL): Promise<unknown> {
  try {
    const response = await fetch(url.href, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new IssuerError(`${url.href} answered ${response.status}`)
    }
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await readBounded(response, url)))
  } catch (error) {
    if (error instanceof IssuerError) throw error
    throw new IssuerError(`${url.href} gave no JSON: ${reasonOf(error)}`, { cause: error })
  }
}

async function readBounded({ body }: Response, url: URL): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop early cancels the rest.
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > MAX_DOCUMENT_BYTES) throw new IssuerError(`${url.href} sent more than ${MAX_DOCUMENT_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `fetch` says what was wrong in the cause of a "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
