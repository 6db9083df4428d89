/** What holds for a request before its route sees it. */
import { MAX_PUSH_BYTES } from '@lockstep/protocol/limits'

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

/** Of a route of our own protocol, or of none. */
export function nativeTerms(path: string): RequestTerms {
  return { bodyBytes: MAX_PUSH_BYTES, ungated: UNGATED.includes(path) }
}
