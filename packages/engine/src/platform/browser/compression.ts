/** deflate-raw by the browser's own streams. They have one level, zlib's default. */
import { concatBytes, FormatError } from '@lockstep/protocol/bytes'
import type { Compression } from '#sealing'

async function through(bytes: Uint8Array, transform: CompressionStream | DecompressionStream, limit: number): Promise<Uint8Array> {
  const writer = transform.writable.getWriter()
  // What is wrong with the input is told by the reading side; here it would be a rejection that nobody waits for.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {})
  writer.close().catch(() => {})
  const reader = (transform.readable as ReadableStream<Uint8Array>).getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concatBytes(...chunks)
    length += value.length
    if (length > limit) {
      await reader.cancel()
      throw new FormatError('too-large', 'a segment unpacks to more than the limit')
    }
    chunks.push(value)
  }
}

export const browserCompression: Compression = {
  deflate: (bytes) => through(bytes, new CompressionStream('deflate-raw'), Number.POSITIVE_INFINITY),
  async inflate(bytes, limit) {
    try {
      return await through(bytes, new DecompressionStream('deflate-raw'), limit)
    } catch (error) {
      if (error instanceof FormatError) throw error
      throw new FormatError('malformed', `a segment cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`)
    }
  },
}
