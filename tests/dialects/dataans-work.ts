/** Random work with the Dataans app, and what it comes to. */
import type { Random } from '../support/random.ts'
import type { Device } from './dataans-client/device.ts'
import { nameOf, type Operation } from './dataans-client/operation.ts'
import { nanosOf } from './dataans-client/time.ts'

/**
 * What operations mean: the last word on each object, by time; of two at the same nanosecond that of the lower id, which comes first in
 * the server's order. By what the object is, as `note <uuid>`. Knows nothing of the client's notebook.
 */
export function meaningOf(operations: readonly Operation[]): ReadonlyMap<string, unknown> {
  const ordered = [...operations].sort((a, b) => {
    const [left, right] = [nanosOf(a.created_at), nanosOf(b.created_at)]
    if (left !== right) return left < right ? -1 : 1
    return a.id > b.id ? -1 : 1
  })
  const objects = new Map<string, unknown>()
  for (const { operation } of ordered) {
    const [name, payload] = [nameOf(operation), Object.values(operation)[0]]
    if (name === 'SetNoteFiles') objects.set(`attached ${payload[0]}`, payload[1])
    else if (name.startsWith('Delete')) objects.delete(`${name.slice(6).toLowerCase()} ${payload}`)
    else objects.set(`${name.slice(6).toLowerCase()} ${payload.id}`, payload)
  }
  return objects
}

export interface Work {
  /** No space is deleted, which takes its notes along. */
  readonly spacesStay?: boolean
}

/** One thing that a person does on a device. */
export function work(device: Device, random: Random, { spacesStay = false }: Work = {}): void {
  const { spaces, notes, files } = device.view
  const roll = random.float()
  const text = `text ${random.u32()}`
  if (spaces.length === 0 || roll < 0.1) device.createSpace(text)
  else if (notes.length === 0 || roll < 0.45) device.createNote(random.pick(spaces).id, text)
  else if (roll < 0.7) device.editNote(random.pick(notes), text)
  else if (roll < 0.8) device.record(() => ({ DeleteNote: random.pick(notes).id }))
  else if (roll < 0.84) device.renameSpace(random.pick(spaces), text)
  else if (roll < 0.86 && !spacesStay) device.record(() => ({ DeleteSpace: random.pick(spaces).id }))
  else if (roll < 0.95 || files.length === 0) device.attach(random.pick(notes).id, text, random.bytes(random.below(2000)))
  else device.record(() => ({ DeleteFile: random.pick(files).id }))
}

export function uuid(random: Random): string {
  const hex = Buffer.from(random.bytes(16)).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
