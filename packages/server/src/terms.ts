/** What holds for a request before its route sees it. */
import { MAX_PUSH_BYTES, MAX_SHARE_BYTES } from '@lockstep/protocol/limits'

export interface RequestTerms {
  /** The most bytes that its body may have. Who asks before sending more (`Expect: 100-continue`) is not told to go on. */
  readonly bodyBytes: number
  /** It is answered without passing the gate. */
  readonly ungated?: boolean
  /** Its body may take as long as it needs while it keeps coming; any other has to be there within the request timeout. */
  readonly upload?: boolean
}

/** Whether the server is up is no secret; metrics have a rule of their own. */
const UNGATED: readonly string[] = ['/healthz', '/metrics']

/** A share, the page that shows it and the files of which that page is made: for anyone who was given the link [SHR-1]. */
const PUBLIC = /^\/(?:v1\/shares|s|assets)\/[\w.-]+$/
const SHARES = /^\/v1\/shares\//

/** Of a route of our own protocol, or of none. @param path as it was sent: what is encoded in it fits no pattern */
export function nativeTerms(method: string, path: string): RequestTerms {
  const reads = method === 'GET' || method === 'HEAD'
  return {
    bodyBytes: SHARES.test(path) ? MAX_SHARE_BYTES : MAX_PUSH_BYTES,
    ungated: UNGATED.includes(path) || (reads && PUBLIC.test(path)),
  }
}
