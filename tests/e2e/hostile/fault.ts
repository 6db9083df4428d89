/** A text of the corpus that left something behind which Markdown does not make. */
export interface Fault {
  readonly text: string
  readonly faults: readonly string[]
}
