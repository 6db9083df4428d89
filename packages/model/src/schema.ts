/**
 * The tables of Lockstep's own apps: notes in spaces, and developer-news diffs with stars and a profile. One vault
 * holds both kinds of data. How rows hang together:
 *
 *     spaces ◀─ recover ─ notes        a note edited after its space was deleted stays, under the deleted space's name
 *     diffs  ◀─ cascade ─ stars        a star goes with its diff, and comes back with it
 *     diffs  ◀─ cascade ─ tldrs        and so does a TLDR
 *     diffs  ◀─ cascade ─ reading      and that it was read: one row for each diff, its id
 *     publications                     one row for each public link; it names a diff, and outlives it
 *     profile                          one row, id "profile"
 *     apiKeys                          one row for each provider, its id
 *
 * Times are Unix milliseconds of the writing device's wall clock: they are for people. What decides between edits is
 * the stamp that the engine keeps beside every cell.
 *
 * A column's kind is for ever [CELL-2]; columns are added, never renamed.
 */
import { column, defineSchema, table } from '@lockstep/engine/schema'
import type { Vault } from '@lockstep/engine/vault'

const text = () => column.text({ default: '' })
const time = () => column.integer({ default: 0 })

export const schema = defineSchema({
  spaces: table({
    name: text(),
    /** What an app draws beside the name; its meaning is the app's. */
    avatar: column.text(),
    /** The folder of an exported tree that holds its notes: null is one named after the space, '' the tree's top. */
    folder: column.text(),
    /** Of a space imported from another app: what its importer remembers of it, so that importing again changes nothing. */
    source: column.text(),
    createdAt: time(),
    updatedAt: time(),
  }),
  notes: table(
    {
      space: column.reference('spaces', 'recover'),
      title: text(),
      /** Of an imported note: where it was below the space's folder, with `/` between names. */
      path: column.text(),
      text: column.collaborativeText(),
      pinned: column.integer({ default: 0 }),
      /** Of an imported note: digest of what was last imported (its importer says of what), so that importing it again changes nothing. */
      source: column.text(),
      createdAt: time(),
      updatedAt: time(),
    },
    { search: ['title', 'text'], indexes: [['space', 'createdAt', 'id', 'pinned']] },
  ),
  diffs: table(
    {
      title: text(),
      /** The day it is about, YYYY-MM-DD. One of a day is shown (diffs.ts); '' is none: an imported one whose day was taken. */
      date: text(),
      /** Generated, and replaced as a whole: nobody types in it. */
      text: text(),
      /** How many days back it looks. */
      windowDays: column.integer({ default: 1 }),
      /** Of an imported diff: digest of what was last imported. */
      source: column.text(),
      createdAt: time(),
    },
    { search: ['title', 'text'], indexes: [['date']] },
  ),
  stars: table(
    {
      diff: column.reference('diffs', 'cascade'),
      /** Index of the starred paragraph, from 0 (paragraphs.ts). */
      paragraph: column.integer({ default: 0 }),
      /** Of a star imported from diff·log: index in diff·log's own counting, where several may lie in one paragraph of ours. */
      item: column.integer(),
      /** The paragraph as it was when it was starred. */
      text: text(),
      createdAt: time(),
    },
    { search: ['text'], indexes: [['diff']] },
  ),
  /** Short summaries of what a paragraph links to. They come with imported diffs; addressed as stars are. */
  tldrs: table(
    {
      diff: column.reference('diffs', 'cascade'),
      paragraph: column.integer({ default: 0 }),
      item: column.integer(),
      text: text(),
      /** The page that is summed up. */
      url: text(),
      createdAt: time(),
    },
    { indexes: [['diff']] },
  ),
  reading: table({
    diff: column.reference('diffs', 'cascade'),
    /** When it was read; 0: not yet, or made unread again. */
    readAt: time(),
  }),
  /** Diffs that are public under a link: a row for each share, its id. It outlives its diff: what is public must be there to be taken back. */
  publications: table({
    /** Id of the diff. */
    diff: text(),
    title: text(),
    date: text(),
    server: text(),
    /** What opens it, 32 bytes in base64url; '' once it is taken back. */
    key: text(),
    /** 0: begun, and perhaps not done. */
    publishedAt: time(),
  }),
  profile: table({
    name: text(),
    languages: column.set(),
    frameworks: column.set(),
    tools: column.set(),
    topics: column.set(),
    depth: column.text({ default: 'standard' }),
    customFocus: text(),
    /** Of an imported profile: what was last imported, as JSON, so that a later import tells what was changed there from what was changed here. */
    source: column.text(),
    updatedAt: time(),
  }),
  apiKeys: table({ key: text(), updatedAt: time() }),
})

export type Tables = typeof schema.tables
export type LockstepVault = Vault<Tables>
