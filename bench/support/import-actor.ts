/** A device without a server of its own that moves in from a Dataans server, as the command line does it. */
import { createHash } from 'node:crypto'
import { openDevice } from '@lockstep/engine/platform/node/device'
import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { deriveDataansKey } from '@lockstep/import/dataans/envelope'
import { importDataansServer } from '@lockstep/import/dataans/server-import'
import { WebSource } from '@lockstep/import/web-source'
import { schema } from '@lockstep/model/schema'
import { serveActor, usage } from './actor.ts'

interface MoveIn {
  readonly home: string
  readonly server: string
  readonly password: string
  readonly passphrase: string
}

const methods = {
  async moveIn({ home, server, password, passphrase }: MoveIn) {
    const device = await openDevice({ home, schema })
    const { http, close } = createNodeHttp()
    try {
      const started = performance.now()
      let read = started
      let peakReading = 0
      const web = new WebSource({ http, server, now: Date.now })
      const { operations, added, unchanged, refused } = await importDataansServer(device.vault, {
        web,
        deriveKey: () => deriveDataansKey(password, passphrase),
        now: Date.now,
        onProgress: (step) => {
          if (step !== 'Reading') return
          read = performance.now()
          peakReading = usage().peak
        },
      })
      const ended = performance.now()
      const digest = createHash('sha256')
      for (const { text } of device.vault.query('SELECT text FROM notes ORDER BY text')) digest.update(String(text)).update('\0')
      return {
        operations,
        added,
        unchanged,
        refused: refused.length,
        reading: read - started,
        writing: ended - read,
        peakReading,
        digest: digest.digest('hex'),
      }
    } finally {
      close()
      await device.close()
    }
  },
  usage,
}

export type ImportActor = typeof methods

serveActor(methods, async () => {})
