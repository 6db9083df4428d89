/**
 * Where each note goes in an exported tree. An imported note goes back to its path below its space's folder, one made by
 * hand to a file named after its title. Pure: the same vault and rules give the same tree.
 *
 * Who gets a name that several want: what needs no change to it goes before what does, then the smaller id; the others
 * get ` (2)`, ` (3)` … and are listed as renamed. Folders of one name are one folder. A file never takes a folder's name.
 */
import { type NameRules, nameKey, numbered, safeName } from '#file-names'

export interface LayoutSpace {
  readonly id: string
  readonly name: string
  /** '' puts its notes at the top of the tree; null is a folder named after the space. */
  readonly folder: string | null
}

export interface LayoutNote {
  readonly id: string
  /** Id of its space; null, or one that is not listed, where the space has not arrived yet. */
  readonly space: string | null
  readonly path: string | null
  readonly title: string
}

export interface Renamed {
  readonly wanted: string
  readonly path: string
}

export interface Layout {
  /** Below the destination, with `/`; parents before children. */
  readonly folders: readonly string[]
  readonly files: readonly { readonly id: string; readonly path: string }[]
  /** Whatever could not have the name it asks for. */
  readonly renamed: readonly Renamed[]
}

const EXTENSION = '.md'
const UNTITLED = 'Untitled'
const NO_SPACE = 'No space'
/** Deeper or longer paths than systems take are not rebuilt: the note goes to the top of its space's folder. */
const MAX_DEPTH = 200
const MAX_PATH_BYTES = 2000

interface Wish {
  readonly id: string
  readonly wanted: string
  readonly safe: string
}

export function layOut(spaces: readonly LayoutSpace[], notes: readonly LayoutNote[], rules: NameRules): Layout {
  const tree = new Tree(rules)
  const top = spaces.filter(({ folder }) => folder === '')
  // Two trees imported at their tops cannot both be at the top of this one.
  const [atTop] = top.length === 1 ? top : []
  const folderOf = new Map<string, string>()
  if (atTop !== undefined) folderOf.set(atTop.id, '')
  const named: Wish[] = spaces
    .filter(({ id }) => id !== atTop?.id)
    .map(({ id, name, folder }) => {
      const wanted = folder === null || folder === '' ? name : folder
      return { id, wanted, safe: safeName(wanted, rules) }
    })
  for (const [id, path] of tree.place('', named, 'folder')) folderOf.set(id, path)
  const missing = notes.some(({ space }) => space === null || !folderOf.has(space))
  const lost = missing ? [...tree.place('', [{ id: '', wanted: NO_SPACE, safe: NO_SPACE }], 'folder').values()][0] : undefined

  // All folders first, so that no file can take the name of one.
  const wishes = new Map<string, Wish[]>()
  for (const note of notes) {
    const base = (note.space === null ? undefined : folderOf.get(note.space)) ?? lost ?? ''
    const { folders, name } = wantedPath(note, rules)
    const parent = tree.folder(base, folders)
    const list = wishes.get(parent) ?? []
    list.push({ id: note.id, wanted: name, safe: safeName(name, rules, EXTENSION) })
    wishes.set(parent, list)
  }
  const files = [...wishes].flatMap(([parent, list]) => [...tree.place(parent, list, 'file')].map(([id, path]) => ({ id, path })))
  return { folders: tree.folders, files, renamed: tree.renamed }
}

function wantedPath({ path, title }: LayoutNote, rules: NameRules): { folders: string[]; name: string } {
  const byTitle = { folders: [], name: `${title.trim().replace(/\s+/g, ' ') || UNTITLED}${EXTENSION}` }
  if (path === null) return byTitle
  const folders = path.split('/')
  const name = folders.pop() ?? ''
  if (folders.length > MAX_DEPTH || new TextEncoder().encode(path).length > MAX_PATH_BYTES) return byTitle
  return { folders: folders.map((folder) => safeName(folder, rules)), name: name === '' ? byTitle.name : name }
}

/** The names taken so far, folder by folder. */
class Tree {
  readonly folders: string[] = []
  readonly renamed: Renamed[] = []
  readonly #rules: NameRules
  /** Folder → key of a name in it → the path that has it. */
  readonly #taken = new Map<string, Map<string, string>>()

  constructor(rules: NameRules) {
    this.#rules = rules
  }

  #names(folder: string): Map<string, string> {
    let names = this.#taken.get(folder)
    if (names === undefined) {
      names = new Map()
      this.#taken.set(folder, names)
    }
    return names
  }

  /** The folder `names` below `base`, made where it is missing. */
  folder(base: string, names: readonly string[]): string {
    let path = base
    for (const name of names) {
      const taken = this.#names(path)
      const key = nameKey(name, this.#rules)
      const known = taken.get(key)
      if (known === undefined) {
        path = join(path, name)
        taken.set(key, path)
        this.folders.push(path)
      } else {
        path = known
      }
    }
    return path
  }

  /** Gives each wish a path of its own in `parent`. */
  place(parent: string, wishes: readonly Wish[], kind: 'file' | 'folder'): Map<string, string> {
    const taken = this.#names(parent)
    const placed = new Map<string, string>()
    const take = ({ id, wanted }: Wish, name: string): boolean => {
      const key = nameKey(name, this.#rules)
      if (taken.has(key)) return false
      const path = join(parent, name)
      taken.set(key, path)
      placed.set(id, path)
      if (kind === 'folder') this.folders.push(path)
      if (name !== wanted) this.renamed.push({ wanted: join(parent, wanted), path })
      return true
    }
    const changed = ({ wanted, safe }: Wish) => (wanted === safe ? 0 : 1)
    const ordered = [...wishes].sort((a, b) => changed(a) - changed(b) || (a.id < b.id ? -1 : 1))
    const late = ordered.filter((wish) => !take(wish, wish.safe))
    const next = new Map<string, number>()
    for (const wish of late) {
      let number = next.get(wish.safe) ?? 2
      while (!take(wish, numbered(wish.safe, number))) number++
      next.set(wish.safe, number + 1)
    }
    return placed
  }
}

const join = (folder: string, name: string) => (folder === '' ? name : `${folder}/${name}`)
