/** Collects findings and keeps them readable: of many alike the first few, and how many more there are. */
import type { Finding, FindingCode } from '#operate/finding'

const SHOWN = 5

export class Findings {
  readonly #found: Finding[] = []
  readonly #alike = new Map<string, number>()
  readonly #vault: string | undefined

  constructor(vault?: string) {
    this.#vault = vault
  }

  damage(code: FindingCode, message: string, remedy: string): void {
    this.#add({ severity: 'damage', code, message, remedy })
  }

  note(code: FindingCode, message: string, remedy: string): void {
    this.#add({ severity: 'note', code, message, remedy })
  }

  #add(finding: Omit<Finding, 'vault'>): void {
    const count = (this.#alike.get(finding.code) ?? 0) + 1
    this.#alike.set(finding.code, count)
    if (count <= SHOWN) this.#found.push({ ...finding, ...(this.#vault !== undefined && { vault: this.#vault }) })
  }

  list(): Finding[] {
    return this.#found.map((finding, at) => {
      const more = (this.#alike.get(finding.code) ?? 0) - SHOWN
      const isLast = this.#found.findLastIndex(({ code }) => code === finding.code) === at
      return more > 0 && isLast ? { ...finding, message: `${finding.message}; and ${more} more like this` } : finding
    })
  }
}
