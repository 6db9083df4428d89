/** What a note without a title of its own is called by: its first heading, else the beginning of its first line that says something. */
import { titleOf } from '#markdown-title'

const MAX_LENGTH = 80
const MARKUP = /^[\s>#*+\-`~_[\]()!]+(?:\[[ xX]\]\s*)?/

/** Empty where the text says nothing. */
export function noteTitle(text: string): string {
  const line = text
    .split('\n')
    .map((candidate) => candidate.replace(MARKUP, '').trim())
    .find((candidate) => candidate !== '')
  return titleOf(text, (line ?? '').slice(0, MAX_LENGTH).replace(/[\ud800-\udbff]$/, ''))
}

/** Whether a note has no title of its own: what its text says is its title, and is to be after an edit. */
export const titleFollows = ({ title, text }: { readonly title: string; readonly text: string }): boolean =>
  title === '' || title === noteTitle(text)
