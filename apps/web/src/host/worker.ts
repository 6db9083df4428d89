/** The worker of the tab that leads: it has the vault for all tabs of this browser. */
import { DriverError } from '@lockstep/engine/driver'
import { openBrowserHome } from '@lockstep/engine/platform/browser/home'
import { schema } from '@lockstep/model/schema'
import { type WebHome, webHome } from '#host/home'
import { serveHost } from '#host/serve'
import { storageOf } from '#host/storage'
import type { HostMessage } from '#link/messages'

/** The worker of the tab that led before lets go of the files a moment after its lock. Milliseconds. */
const BUSY_PAUSE = 30

async function open(name: string): Promise<WebHome> {
  for (;;) {
    try {
      return webHome(await openBrowserHome({ name, schema, storage: storageOf(name) }))
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
