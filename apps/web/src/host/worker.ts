/** The worker of the tab that leads: it has the vault's device for all tabs of this browser. */
import { DriverError } from '@lockstep/engine/driver'
import { openBrowserDevice } from '@lockstep/engine/platform/browser/device'
import { schema } from '@lockstep/model/schema'
import type { WebDevice } from '#host/methods'
import { serveHost } from '#host/serve'
import { storageOf } from '#host/storage'
import type { HostMessage } from '#link/messages'

/** The worker of the tab that led before lets go of the files a moment after its lock. Milliseconds. */
const BUSY_PAUSE = 30

async function open(name: string): Promise<WebDevice> {
  for (;;) {
    try {
      return await openBrowserDevice({ name, schema, storage: storageOf(name) })
    } catch (error) {
      // Its database for keys was refused, as files would have been: private windows of some browsers.
      if (error instanceof DOMException) throw new DriverError('io', error.message, { cause: error })
      if (!(error instanceof DriverError && error.code === 'busy')) throw error
      await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE))
    }
  }
}

serveHost(
  {
    post: (message) => postMessage(message),
    onMessage: (listener) => addEventListener('message', ({ data }: MessageEvent<HostMessage>) => listener(data)),
  },
  open(self.name),
)
