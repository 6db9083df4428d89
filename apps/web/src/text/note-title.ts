/** The title of a note that was written here: its first heading, else the beginning of its first line that says something. */
import { titleOf } from '@lockstep/import/markdown-title'

const MAX_LENGTH = 80
const MARKUP = /^[\s>#*+\-`~_[\]()!]+(?:\[[ xX]\]\s*)?/

export function noteTitle(text: string): string {
  const line = text
    .split('\n')
    .map((candidate) => candidate.replace(MARKUP, '').trim())
    .find((candidate) => candidate !== '')
  return titleOf(text, (line ?? '').slice(0, MAX_LENGTH).toWellFormed())
}
