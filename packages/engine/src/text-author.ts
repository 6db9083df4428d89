/**
 * Client ids for editing texts [CELL-3]. A text that is edited again while its vault is open keeps its client id: a hundred
 * edits under one id take half the room of a hundred under ids of their own. An id is never stored, and it is used again only if the
 * document still ends where this id's last edit ended. So a transaction that was rolled back, a purge or another database under
 * the same name make it a fresh one, and no two items ever have one name.
 */

/** Texts whose ids are remembered; the one that was edited longest ago goes first. */
const MOST_TEXTS = 4096

interface Author {
  readonly client: number
  /** The document's clock for this client after its last edit. */
  readonly clock: number
}

export class TextAuthors {
  readonly #random: (length: number) => Uint8Array
  readonly #authors = new Map<string, Author>()

  constructor(random: (length: number) => Uint8Array) {
    this.#random = random
  }

  /** The id for editing `text` (any name of a base's document); `clockOf` tells the document's clock for a client. */
  clientFor(text: string, clockOf: (client: number) => number): number {
    const known = this.#authors.get(text)
    return known !== undefined && clockOf(known.client) === known.clock ? known.client : this.#fresh()
  }

  wrote(text: string, author: Author): void {
    this.#authors.delete(text)
    this.#authors.set(text, author)
    if (this.#authors.size <= MOST_TEXTS) return
    const [oldest] = this.#authors.keys()
    this.#authors.delete(oldest as string)
  }

  /** 1 to 2^52. */
  #fresh(): number {
    const bytes = this.#random(7)
    let id = (bytes[0] as number) & 0x0f
    for (let i = 1; i < 7; i++) id = id * 256 + (bytes[i] as number)
    return id + 1
  }
}
