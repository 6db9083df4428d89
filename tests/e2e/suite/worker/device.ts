/** `openDevice` in a worker: the browser's device, with a storage of its own for each home. */
import type { Device } from '@lockstep/engine/device'
import { openBrowserDevice } from '@lockstep/engine/platform/browser/device'
import type { Schema, Table } from '@lockstep/engine/schema'

export function openDevice<T extends Record<string, Table>>({
  home,
  schema,
}: {
  readonly home: string
  readonly schema: Schema<T>
}): Promise<Device<T>> {
  return openBrowserDevice({ name: home.replaceAll('/', '-'), schema, storage: 'browser' })
}
