/** The browser's compression, under the name of Node's. */
import { browserCompression } from '@lockstep/engine/platform/browser/compression'
import type { Compression } from '@lockstep/engine/sealing'

export const nodeCompression: Compression = browserCompression
