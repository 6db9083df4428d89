/**
 * Sizes that both sides hold to. A server may publish smaller ones (`GET /v1/server`), never larger ones.
 * Each bounds what one request can make the other side hold in memory.
 */

const MiB = 1024 * 1024

/** A segment's content after decompression: what a client decodes at once. */
export const MAX_SEGMENT_CONTENT = 8 * MiB
/** A segment as sealed: the content in the worst case (incompressible), padded by at most an eighth, and the envelope. */
export const MAX_SEGMENT_BYTES = 9 * MiB + 64 * 1024
/** One push request. */
export const MAX_PUSH_BYTES = 16 * MiB
/** Segments in one push request. */
export const MAX_PUSH_SEGMENTS = 1024
/** A JSON request body. */
export const MAX_JSON_BYTES = 64 * 1024
/** A sealed key bundle. */
export const MAX_BUNDLE_BYTES = 16 * 1024
/** Characters of a vault's or device's name. */
export const MAX_NAME_LENGTH = 64
/** A sealed rotation record: a grant for each device. */
export const MAX_ROTATION_BYTES = 32 * 1024
/** Marks in one request for the common point of two logs. */
export const MAX_MARKS = 4096
/** How far behind the devices a server may be, in key epochs: further ahead than this a segment opens no epoch [KEY-4]. */
export const MAX_EPOCH_JUMP = 64
/** Entries of one answer to `GET /v1/segments/index`. */
export const MAX_INDEX_ENTRIES = 16_384
/** Parts of one merge. */
export const MAX_MERGE_PARTS = 4096
/** A share as sealed [SHR-1]. */
export const MAX_SHARE_BYTES = MiB
/** Shares of one vault. */
export const MAX_SHARES = 1000
/** How long a short code works, milliseconds [SHR-2]. */
export const CODE_LIFETIME = 120_000
/** The body of `POST /v1/codes` [SHR-2]. */
export const MAX_CODE_BODY_BYTES = 512
/** Characters of the address in a code: beside it there is room for the longest name. */
export const MAX_CODE_SERVER_LENGTH = 320
