/** Node's own compression, for making what the browser is to unpack, or to refuse. */
import { askNode } from './ask-node.ts'

export const deflateRawSync = (bytes: Uint8Array, options?: object): Uint8Array =>
  askNode('zlib.deflateRawSync', bytes, options) as Uint8Array
