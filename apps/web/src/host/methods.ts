/**
 * What a tab may ask of the worker that has the vault. Each method may be asked twice (a tab asks again when the leader has
 * changed): the second time changes nothing. So whoever makes something names its id.
 */
import type { Device } from '@lockstep/engine/device'
import type { EditorState, FoundRows, RowPlace } from '@lockstep/engine/vault'
import type { SyncMode, WatchEvent } from '@lockstep/engine/watch'
import {
  addNote,
  editNote,
  findNote,
  moveNote,
  type NewNote,
  type Note,
  noteHistory,
  removeNote,
  restoreNote,
  restoreNoteVersion,
} from '@lockstep/model/notes'
import type { Tables } from '@lockstep/model/schema'
import { addSpace, listSpaces, type NewSpace, removeSpace, renameSpace, restoreSpace } from '@lockstep/model/spaces'
import { emptyTrash, listTrash } from '@lockstep/model/trash'

export type WebDevice = Device<Tables>

export interface ShownNote extends Note {
  readonly place: RowPlace
}

/** What an editor hands over. */
export interface TypedText {
  readonly id: string
  readonly key: number
  readonly base: string
  /** Yjs update. */
  readonly update: Uint8Array
  readonly title: string
  readonly now: number
}

type Edit = Parameters<typeof editNote>[2]

function noteMethods({ vault }: WebDevice) {
  return {
    /** Ids of a space's notes, the oldest first. */
    timeline: (space: string): string[] =>
      vault.query('SELECT id FROM notes WHERE space = ? ORDER BY createdAt, id', space).map(({ id }) => String(id)),
    /** Those that are there, in the order of `ids`. */
    notes: (ids: readonly string[]): ShownNote[] =>
      ids
        .filter((id) => vault.query('SELECT 1 FROM notes WHERE id = ?', id).length > 0)
        .map((id) => ({ ...findNote(vault, id), place: vault.place('notes', id) })),
    addNote: (note: NewNote & { readonly id: string }): string => addNote(vault, note),
    editNote: (id: string, edit: Edit) => editNote(vault, id, edit),
    moveNote: (id: string, space: string, now: number) => moveNote(vault, id, { space, now }),
    removeNote: (id: string): string => removeNote(vault, id),
    restoreNote: (id: string, now: number): string => restoreNote(vault, id, now),
    noteHistory: (id: string) => noteHistory(vault, id),
    restoreNoteVersion: (id: string, version: number, now: number): string => restoreNoteVersion(vault, id, { version, now }),
    search: (text: string, limit: number): FoundRows => vault.search('notes', text, { limit }),
    openText: (id: string) => vault.openText('notes', id, 'text'),
    missingEdits: (id: string, state: EditorState): Uint8Array | undefined => vault.missingEdits('notes', id, 'text', state),
    typeText: ({ id, key, base, update, title, now }: TypedText): boolean =>
      vault.transact((tx) => tx.mergeText('notes', id, 'text', { key, base: base as never, update }, { title, updatedAt: now })),
  }
}

function spaceMethods({ vault }: WebDevice) {
  return {
    spaces: () => listSpaces(vault),
    addSpace: (space: NewSpace & { readonly id: string }): string => addSpace(vault, space),
    renameSpace: (id: string, name: string, now: number) => renameSpace(vault, id, { name, now }),
    removeSpace: (id: string) => removeSpace(vault, id),
    restoreSpace: (id: string) => restoreSpace(vault, id),
    trash: () => listTrash(vault),
    emptyTrash: (): number => emptyTrash(vault),
  }
}

/** What keeps the vault in step by itself, at most one at a time. */
function watchMethods(device: WebDevice, onEvent: (event: WatchEvent) => void) {
  let watching: ReturnType<WebDevice['watch']> | undefined
  return {
    /** In `manual` mode, and while nobody is signed in, nothing happens by itself. */
    async watch(mode: SyncMode): Promise<void> {
      const before = watching
      watching = undefined
      await before?.stop()
      if (mode !== 'manual' && device.profile.signedIn) watching = device.watch({ mode, onEvent })
    },
    /** The app came to the foreground. */
    focused(): void {
      watching?.focused()
    },
  }
}

function accountMethods(device: WebDevice) {
  return {
    status: () => ({ ...device.status(), profile: device.profile, deviceId: device.id }),
    signIn: (request: Parameters<WebDevice['signIn']>[0]) => device.signIn(request),
    sync: () => device.sync(),
    devices: () => device.listDevices(),
    changePassword: (change: Parameters<WebDevice['changePassword']>[0]) => device.changePassword(change),
    revokeDevice: (request: Parameters<WebDevice['revokeDevice']>[0]) => device.revokeDevice(request),
    signOut: () => device.signOut({ wipe: false }),
    examine: () => device.examine(),
  }
}

export function createMethods(device: WebDevice, onEvent: (event: WatchEvent) => void) {
  return { ...noteMethods(device), ...spaceMethods(device), ...accountMethods(device), ...watchMethods(device, onEvent) }
}

export type HostMethods = ReturnType<typeof createMethods>

/** The same, as a tab sees it. */
export type HostClient = {
  readonly [M in keyof HostMethods]: (...args: Parameters<HostMethods[M]>) => Promise<Awaited<ReturnType<HostMethods[M]>>>
}
