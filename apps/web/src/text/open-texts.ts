/** The texts that are open for editing in this tab: whoever wants to reload it waits until what was typed in them is stored. */

interface OpenText {
  /** Everything typed so far has been tried; false where it could not be stored. */
  stored(): Promise<boolean>
}

class OpenTexts {
  readonly #texts = new Set<OpenText>()
  readonly #listeners = new Set<() => void>()

  get any(): boolean {
    return this.#texts.size > 0
  }

  add(text: OpenText): void {
    this.#texts.add(text)
  }

  remove(text: OpenText): void {
    this.#texts.delete(text)
    if (!this.any) for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` each time when the last one has been closed. */
  onNone(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** @returns whether everything that was typed is stored */
  async stored(): Promise<boolean> {
    const all = await Promise.all([...this.#texts].map((text) => text.stored()))
    return all.every(Boolean)
  }
}

export const openTexts = new OpenTexts()
