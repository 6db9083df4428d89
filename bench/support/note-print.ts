/** A note in short, for asking another process whether it shows the same one. */
import { hash } from 'node:crypto'
import type { Row } from '@lockstep/engine/driver'

export interface NotePrint {
  readonly id: string
  /** Of title and text. */
  readonly digest: string
}

export function digestNote({ title, text }: Row): string {
  return hash('sha256', `${title}\u0000${text}`)
}
