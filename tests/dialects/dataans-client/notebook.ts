/**
 * Spaces, notes and files as operations leave them, in whatever order they come: the last write wins per object, by the
 * operation's time against that of the object's last one. Of two operations of the very same nanosecond the one with the lower id
 * stands, whichever came first, so that two devices agree. What is deleted stays, as deleted.
 */
import { type AttachedFile, type Note, nameOf, type Operation, type Space } from './operation.ts'
import { nanosOf } from './time.ts'

interface Last {
  readonly nanos: bigint
  readonly by: string
  /** Undefined when it was deleted. */
  readonly value: unknown
}

/** What a device shows; objects in order of their ids. */
export interface View {
  readonly spaces: readonly Space[]
  readonly notes: readonly Note[]
  readonly files: readonly AttachedFile[]
  /** Files by note. */
  readonly attached: Readonly<Record<string, readonly string[]>>
}

/** What the operation is about: objects of different kinds do not meet, whatever their ids. */
function subjectOf({ operation }: Operation): { readonly key: string; readonly value: unknown } {
  const name = nameOf(operation)
  const payload = Object.values(operation)[0] as string | { readonly id: string } | readonly [string, readonly string[]]
  if (name === 'SetNoteFiles') {
    const [note, files] = payload as readonly [string, readonly string[]]
    return { key: `attached ${note}`, value: files }
  }
  const kind = name.replace(/^(?:Create|Update|Delete)/, '').toLowerCase()
  if (typeof payload === 'string') return { key: `${kind} ${payload}`, value: undefined }
  const object = payload as Note | Space | AttachedFile
  return { key: `${kind} ${object.id}`, value: object.is_deleted ? undefined : object }
}

export class Notebook {
  readonly #last = new Map<string, Last>()

  apply(operation: Operation): void {
    const { key, value } = subjectOf(operation)
    const nanos = nanosOf(operation.created_at)
    const before = this.#last.get(key)
    if (before !== undefined && (before.nanos > nanos || (before.nanos === nanos && before.by <= operation.id))) return
    this.#last.set(key, { nanos, by: operation.id, value })
  }

  #all<T>(kind: string): readonly (readonly [id: string, value: T])[] {
    return [...this.#last]
      .filter(([key, { value }]) => key.startsWith(`${kind} `) && value !== undefined)
      .map(([key, { value }]) => [key.slice(kind.length + 1), value as T] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  get view(): View {
    return {
      spaces: this.#all<Space>('space').map(([, space]) => space),
      notes: this.#all<Note>('note').map(([, note]) => note),
      files: this.#all<AttachedFile>('file').map(([, file]) => file),
      attached: Object.fromEntries(this.#all<readonly string[]>('attached')),
    }
  }
}
