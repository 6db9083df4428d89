/**
 * What tabs of one browser say to each other about a vault, and a leading tab to its worker.
 *
 * One tab leads: its worker has the database. Every request has a number of its tab's own; it is answered once, by whoever leads
 * then. When the leader changes, each tab sends again what has not been answered, so a request may be done twice: every
 * method of the host is written so that the second time changes nothing (ids are made by whoever asks).
 *
 * Tabs may be of different builds after an update. A tab asks only a leader of its own build; the one that came last is of the build that
 * is served now, so everybody else steps back for it (`link.ts`).
 */
import type { HostMethods } from '#host/methods'

/**
 * What a tab hands over to a leader of another build, too, so that nothing written in it is lost. From build to build their arguments
 * stay what they are: what needs others gets another name.
 */
export const HANDED_OVER: ReadonlySet<string> = new Set<keyof HostMethods>(['addNote', 'addSpace', 'typeText'])

/** Named by the tab, unique among all tabs. */
export interface Request {
  readonly type: 'request'
  readonly tab: string
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

/** An error as it travels: its stable code, where it has one. */
export interface Failure {
  readonly name: string
  readonly code: string | undefined
  readonly message: string
  /** Seconds to wait before another try, where a server said so. */
  readonly retryAfter: number | undefined
}

export interface Answer {
  readonly type: 'answer'
  readonly tab: string
  readonly id: number
  readonly result?: unknown
  readonly failure?: Failure
}

/** Something that everybody may want to know. */
export interface Notice {
  readonly type: 'notice'
  readonly event: unknown
}

/** A tab has begun to lead, or says so because it was asked. */
export interface Leading {
  readonly type: 'leading'
  readonly tab: string
  readonly build: string
}

/** A tab that has just begun asks who leads. */
export interface WhoLeads {
  readonly type: 'who-leads'
  readonly build: string
}

export type TabMessage = Request | Answer | Notice | Leading | WhoLeads
/** To a worker and from it. */
export type HostMessage = Request | Answer | Notice

/** A request failed; `code` is the stable code of what failed in the host. */
export class HostError extends Error {
  readonly code: string | undefined
  readonly retryAfter: number | undefined
  constructor({ name, code, message, retryAfter }: Failure) {
    super(message)
    this.name = name
    this.code = code
    this.retryAfter = retryAfter
  }
}

export function toFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', code: undefined, message: String(error), retryAfter: undefined }
  const { code, retryAfter } = error as { code?: unknown; retryAfter?: unknown }
  return {
    name: error.name,
    code: typeof code === 'string' ? code : undefined,
    message: error.message,
    retryAfter: typeof retryAfter === 'number' ? retryAfter : undefined,
  }
}
