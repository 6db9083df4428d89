/** Bounds of the diff·log dialect. What real clients send stays far below: a diff is about 20 kB, a profile about a megabyte. */

const KIB = 1024
const MIB = 1024 * KIB

export interface DifflogLimits {
  /** The most bytes of one `encrypted_data`, `encrypted_api_key` or `resolved_sources`. */
  readonly itemBytes: number
  /** The most bytes of a request's body. */
  readonly bodyBytes: number
  /** The most bytes of a profile's rows; 0 for no bound. A change of password sends all of them in one body. */
  readonly quotaBytes: number
  /** New profiles an hour from one network. */
  readonly profilesAnHour: number
}

export const DEFAULT_LIMITS: DifflogLimits = {
  itemBytes: MIB,
  bodyBytes: 16 * MIB,
  quotaBytes: 12 * MIB,
  profilesAnHour: 60,
}

/** Characters of a hash, a salt or a name. */
export const MAX_TEXT = 512
/** Characters of an id. */
export const MAX_ID = 256
/** Entries of a profile's list, for instance its languages. */
export const MAX_ENTRIES = 500
/** Characters of `custom_focus`. */
export const MAX_FOCUS = 16 * KIB
/** Levels of arrays and objects in `resolved_sources`. */
export const MAX_DEPTH = 32
/** Rows or ids in one list of a request. */
export const MAX_LISTED = 10_000
/** Of a body: lists, objects, texts and commas. Full lists of everything have half as many. */
export const MAX_PARTS = 500_000

/** Of each kind of code at one time. */
export const MAX_CODES = 1000
/** Characters of an `encrypted_session`. */
export const MAX_SESSION = 16 * KIB
export const SHARE_CODE_SECONDS = 120
export const LOGIN_CODE_SECONDS = 300

/** Bodies of the two routes that carry rows may be as large as any; the others carry one sealed text and small fields. */
export function bodyLimit({ bodyBytes, itemBytes }: DifflogLimits, path: string): number {
  return /\/(?:sync|password)$/.test(path) ? bodyBytes : Math.min(bodyBytes, 2 * itemBytes + 256 * KIB)
}
