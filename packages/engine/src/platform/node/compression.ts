/** deflate-raw by zlib. Small pieces at once, larger ones on the thread pool, beside the main thread's work. */
import { promisify } from 'node:util'
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib'
import { FormatError } from '@lockstep/protocol/bytes'
import type { Compression } from '#sealing'

const deflateAsync = promisify(deflateRaw)
const inflateAsync = promisify(inflateRaw)

/** Level 1: twice as fast as the default and a few percent larger on notes. */
const LEVEL = 1
/** Output is gathered in pieces of this size: each piece is a trip to the thread pool and back. */
const CHUNK = 512 * 1024
/** Below this a trip to the thread pool takes longer than the work. */
const SMALL = 16 * 1024

function translate(error: unknown): FormatError {
  const code = (error as { code?: unknown }).code
  if (code === 'ERR_BUFFER_TOO_LARGE') return new FormatError('too-large', 'a segment unpacks to more than the limit')
  return new FormatError('malformed', `a segment cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`)
}

export const nodeCompression: Compression = {
  async deflate(bytes) {
    return bytes.length < SMALL ? deflateRawSync(bytes, { level: LEVEL }) : deflateAsync(bytes, { level: LEVEL, chunkSize: CHUNK })
  },
  async inflate(bytes, limit) {
    try {
      return bytes.length < SMALL / 4
        ? inflateRawSync(bytes, { maxOutputLength: limit })
        : await inflateAsync(bytes, { maxOutputLength: limit, chunkSize: CHUNK })
    } catch (error) {
      throw translate(error)
    }
  },
}
