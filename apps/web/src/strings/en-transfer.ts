/** What people read where notes are exported and imported. */
import { count } from '#strings/count'

const n = (many: number) => many.toLocaleString('en')

/** How many records an import added, and so on. */
export interface Counts {
  readonly added: number
  readonly updated: number
  readonly unchanged: number
  readonly removed: number
}

const counts = ({ added, updated, unchanged, removed }: Counts) =>
  `${n(added)} added, ${n(updated)} updated, ${n(unchanged)} unchanged${removed > 0 ? `, ${n(removed)} removed` : ''}`

export const transfer = {
  title: 'Export and import',
  exportTab: 'Export',
  importTab: 'Import',
  what: 'What',
  everything: 'Everything',
  format: 'As',
  formats: { markdown: 'Markdown files in a zip', json: 'One JSON file' },
  formatHints: {
    markdown: 'A folder for each space, a file for each note, readable anywhere. Diffs, stars and the profile are not in it.',
    json: 'Everything, to bring into Lockstep again as it is: notes, diffs, stars, profile and API keys.',
    jsonSpace: 'The space and its notes, to bring into Lockstep again as they are.',
  },
  plain: 'The file is not encrypted: keep it where only you can read it.',
  start: 'Export',
  fileName: (what: string, day: string) => `${what} ${day}`,
  fileNameAll: 'Lockstep',
  sources:
    'Markdown files, a folder or a zip of them; a JSON file that Lockstep or Dataans exported. Importing the same again changes nothing.',
  files: 'Choose files',
  folder: 'Choose a folder',
  drop: 'or drop them here',
  dropNow: 'Let go to import',
  layout: 'Each folder becomes a space, each .md file a note, called by its first heading or else by the file’s name.',
  nothing: 'There is no file in what you chose.',
  servers: 'From an app’s server',
  serversHint: (origin: string) =>
    `This page may speak only to ${origin}, where it came from. What Dataans or diff·log keeps on another server comes in with the command line: lockstep import.`,
  dataans: 'Dataans',
  difflogApp: 'diff·log',
  passphrase: 'Passphrase',
  password: 'Password',
  profile: 'Profile',
  fetch: 'Import from here',
  steps: {
    reading: 'Reading',
    importing: 'Importing',
    exporting: 'Exporting',
    files: 'Asking for attached files',
  },
  progress: (step: string, done: number, total: number) => (total === 0 ? `${step}…` : `${step}: ${n(done)} of ${n(total)}`),
  running: (name: string) => `“${name}”`,
  stop: 'Stop',
  stopping: 'Stopping…',
  goesOn: 'It goes on when you close this. Writing goes on as well.',
  busy: 'Something is being exported or imported already.',
  again:
    'The tab that did this was closed meanwhile, so it was begun again: what had been imported by then is counted as unchanged, and cannot be taken back here.',
  exported: (name: string) => `“${name}” is exported`,
  imported: (name: string) => `“${name}” is imported`,
  failed: (name: string) => `“${name}” was not imported`,
  failedExport: (name: string) => `“${name}” was not exported`,
  stopped: (name: string) => `“${name}” was stopped`,
  stoppedImport: 'What was imported until then is kept. Import it again for the rest.',
  stoppedExport: 'Nothing was written.',
  copy: 'Copy report',
  copied: 'The report is copied.',
  undo: 'Take it back',
  undone: (notes: number) =>
    `${count(notes, 'added note is', 'added notes are')} in the trash. What was updated has its earlier text in the note’s history.`,
  exportedMarkdown: (notes: number, folders: number) =>
    `${count(notes, 'note', 'notes')} in ${count(folders, 'folder', 'folders')}.`,
  exportedJson: (spaces: number, notes: number, diffs: number, stars: number) =>
    `${count(spaces, 'space', 'spaces')}, ${count(notes, 'note', 'notes')}, ${count(diffs, 'diff', 'diffs')}, ${count(stars, 'star', 'stars')}.`,
  renamedCount: (many: number) => `${count(many, 'file has', 'files have')} another name, so that every system can hold it.`,
  renamed: (wanted: string, path: string) => `Renamed: ${wanted} is ${path}`,
  notes: (added: number, updated: number, unchanged: number, inTrash: number) =>
    `${count(added, 'note', 'notes')} added, ${n(updated)} updated, ${n(unchanged)} unchanged${inTrash > 0 ? ` (${n(inTrash)} of them in the trash)` : ''}.`,
  newSpaces: (spaces: number) => `${count(spaces, 'new space', 'new spaces')}.`,
  rows: (added: number, updated: number, unchanged: number) =>
    `${n(added)} added, ${n(updated)} updated, ${n(unchanged)} unchanged.`,
  kept: (many: number) => `${n(many)} stayed as they are here, because they were changed here later.`,
  leftOut: (others: number, hidden: number, links: number) =>
    `Left out: ${[
      others > 0 && count(others, 'other file', 'other files'),
      hidden > 0 && `${n(hidden)} hidden`,
      links > 0 && count(links, 'link', 'links'),
    ]
      .filter((part) => part !== false)
      .join(', ')}.`,
  refusedCount: (many: number) => `${n(many)} refused:`,
  refusedFile: (path: string, reason: string) => `${path} ${reason}.`,
  refused: (what: string, reason: string) => `${what} ${reason}.`,
  moreRefused: (many: number) => `And ${n(many)} more.`,
  trashedThere: (many: number) => `Deleted there since, and in the trash now: ${n(many)}.`,
  keptThough: (many: number) => `Deleted there and kept, because they were changed here later: ${n(many)}.`,
  waitingFiles: (many: number) =>
    `${count(many, 'attached file', 'attached files')} cannot be stored by this release: keep the source until an import after an update has brought them.`,
  waitingFile: (name: string) => `Attached: ${name}`,
  difflog: {
    diffs: (all: Counts) => `Diffs: ${counts(all)}.`,
    stars: (all: Counts) => `Stars: ${counts(all)}.`,
    tldrs: (all: Counts) => `TLDRs: ${counts(all)}.`,
    profile: 'The profile is brought up to date.',
    withoutDay: (many: number) => `Kept without a day, because another diff has it: ${count(many, 'diff', 'diffs')}.`,
  },
}

export type TransferStrings = typeof transfer
