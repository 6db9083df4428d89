/**
 * What a tab may ask of the worker that has the vault. Each method may be asked twice (a tab asks again when the leader has
 * changed): the second time changes nothing. So whoever makes something names its id.
 */
import { addSpace, editSpace, type NewSpace, removeSpace, restoreSpace, type SpaceEdit } from '@lockstep/model/spaces'
import { emptyTrash, listTrash, type TrashEntry } from '@lockstep/model/trash'
import { accountMethods } from '#host/account-methods'
import { diffMethods } from '#host/diff-methods'
import type { WebHome } from '#host/home'
import type { Keeper } from '#host/keeper'
import { noteMethods } from '#host/note-methods'
import { publishingMethods } from '#host/publishing-methods'
import { createTimelines, type Timelines } from '#host/timelines'
import { transferMethods } from '#host/transfer-methods'

function spaceMethods({ vault }: WebHome, { spaces }: Timelines) {
  return {
    spaces,
    addSpace: (space: NewSpace & { readonly id: string }): string => addSpace(vault, space),
    editSpace: (id: string, edit: SpaceEdit) => editSpace(vault, id, edit),
    /** One that went already is where it should be. */
    removeSpace(id: string): void {
      if (spaces().some((space) => space.id === id && !space.deleted)) removeSpace(vault, id)
    },
    /** One that came back already is where it should be. */
    restoreSpace(id: string): void {
      if (!spaces().some((space) => space.id === id && !space.deleted)) restoreSpace(vault, id)
    },
    trash: () => listTrash(vault),
    emptyTrash: (listed: readonly Pick<TrashEntry, 'kind' | 'id'>[]): number => emptyTrash(vault, listed),
  }
}

export function createMethods(home: WebHome, keeper: Keeper) {
  const timelines = createTimelines(home.vault)
  return {
    ...noteMethods(home.vault, timelines),
    ...diffMethods(home.vault),
    ...spaceMethods(home, timelines),
    ...accountMethods(home, keeper),
    ...publishingMethods(home),
    ...transferMethods(home.vault),
  }
}

export type HostMethods = ReturnType<typeof createMethods>

/** The same, as a tab sees it. */
export type HostClient = {
  readonly [M in keyof HostMethods]: (...args: Parameters<HostMethods[M]>) => Promise<Awaited<ReturnType<HostMethods[M]>>>
}
