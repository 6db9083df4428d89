/** Як en-transfer.ts. */
import type { Counts, TransferStrings } from '#strings/en-transfer'
import { number as n, plural } from '#strings/plural-uk'
import { refused } from '#strings/uk-said'

const counts = ({ added, updated, unchanged, removed }: Counts) =>
  `додано ${n(added)}, оновлено ${n(updated)}, без змін ${n(unchanged)}${removed > 0 ? `, вилучено ${n(removed)}` : ''}`

const notesOf = (many: number) => plural(many, 'нотатка', 'нотатки', 'нотаток')
const diffsOf = (many: number) => plural(many, 'диф', 'дифи', 'дифів')
const starsOf = (many: number) => plural(many, 'зірка', 'зірки', 'зірок')
const filesOf = (many: number) => plural(many, 'файл', 'файли', 'файлів')

export const transfer: TransferStrings = {
  title: 'Експорт та імпорт',
  exportTab: 'Експорт',
  importTab: 'Імпорт',
  what: 'Що',
  everything: 'Усе',
  format: 'Як',
  formats: { markdown: 'Файли Markdown у zip', json: 'Один файл JSON' },
  formatHints: {
    markdown: 'Тека для кожного простору, файл для кожної нотатки, читається будь-де. Дифів, зірок і профілю там немає.',
    json: 'Усе, щоб принести в Lockstep таким, як є: нотатки, дифи, зірки, профіль і ключі API.',
    jsonSpace: 'Простір і його нотатки, щоб принести їх у Lockstep такими, як є.',
  },
  plain: 'Файл не зашифровано: тримайте його там, де прочитаєте лише ви.',
  start: 'Експортувати',
  fileName: (what, day) => `${what} ${day}`,
  fileNameAll: 'Lockstep',
  sources:
    'Файли Markdown, тека чи zip із ними; файл JSON, експортований із Lockstep або Dataans. Повторний імпорт того самого нічого не змінює.',
  files: 'Обрати файли',
  folder: 'Обрати теку',
  drop: 'або перетягніть сюди',
  dropNow: 'Відпустіть, щоб імпортувати',
  layout: 'Кожна тека стає простором, кожен файл .md — нотаткою; її назва — перший заголовок або назва файлу.',
  nothing: 'В обраному немає жодного файлу.',
  servers: 'Із сервера застосунку',
  serversHint: (origin) =>
    `Ця сторінка може звертатися лише до ${origin}, звідки вона прийшла. Що Dataans або diff·log тримає на іншому сервері, принесе командний рядок: lockstep import.`,
  dataans: 'Dataans',
  difflogApp: 'diff·log',
  passphrase: 'Парольна фраза',
  password: 'Пароль',
  profile: 'Профіль',
  fetch: 'Імпортувати звідси',
  steps: {
    reading: 'Читаємо',
    importing: 'Імпортуємо',
    exporting: 'Експортуємо',
    files: 'Питаємо про вкладені файли',
  },
  progress: (step, done, total) => (total === 0 ? `${step}…` : `${step}: ${n(done)} з ${n(total)}`),
  running: (name) => `«${name}»`,
  stop: 'Зупинити',
  stopping: 'Зупиняємо…',
  goesOn: 'Триватиме й тоді, коли ви це закриєте. Писати можна далі.',
  busy: 'Щось уже експортується чи імпортується.',
  again:
    'Вкладку, яка це робила, тим часом закрили, тому все почалося заново: що вже було імпортовано, враховано як «без змін», і забрати його тут не можна.',
  exported: (name) => `«${name}» експортовано`,
  imported: (name) => `«${name}» імпортовано`,
  failed: (name) => `«${name}» не імпортовано`,
  failedExport: (name) => `«${name}» не експортовано`,
  stopped: (name) => `«${name}» зупинено`,
  stoppedImport: 'Імпортоване дотепер збережено. Щоб отримати решту, імпортуйте ще раз.',
  stoppedExport: 'Нічого не записано.',
  copy: 'Копіювати звіт',
  copied: 'Звіт скопійовано.',
  undo: 'Забрати назад',
  undone: (notes) => `У кошику: ${notesOf(notes)} з доданих. Давніші тексти оновлених — в історії нотаток.`,
  exportedMarkdown: (notes, folders) => `${notesOf(notes)}, ${plural(folders, 'тека', 'теки', 'тек')}.`,
  exportedJson: (spaces, notes, diffs, stars) =>
    `${plural(spaces, 'простір', 'простори', 'просторів')}, ${notesOf(notes)}, ${diffsOf(diffs)}, ${starsOf(stars)}.`,
  renamedCount: (many) => `${filesOf(many)} з іншою назвою, щоб їх прийняла кожна система.`,
  renamed: (wanted, path) => `Перейменовано: ${wanted} — тепер ${path}`,
  notes: (added, updated, unchanged, inTrash) =>
    `Нотатки: додано ${n(added)}, оновлено ${n(updated)}, без змін ${n(unchanged)}${inTrash > 0 ? ` (з них у кошику ${n(inTrash)})` : ''}.`,
  newSpaces: (spaces) => `${plural(spaces, 'новий простір', 'нові простори', 'нових просторів')}.`,
  rows: (added, updated, unchanged) => `Додано ${n(added)}, оновлено ${n(updated)}, без змін ${n(unchanged)}.`,
  kept: (many) => `${n(many)} залишено як тут, бо тут їх змінено пізніше.`,
  leftOut: (others, hidden, links) =>
    `Пропущено: ${[
      others > 0 && plural(others, 'інший файл', 'інші файли', 'інших файлів'),
      hidden > 0 && plural(hidden, 'прихований', 'приховані', 'прихованих'),
      links > 0 && plural(links, 'посилання', 'посилання', 'посилань'),
    ]
      .filter((part) => part !== false)
      .join(', ')}.`,
  refusedCount: (many) => `Відхилено ${n(many)}:`,
  refusedFile: (path, reason) => `${path}: ${refused(reason)}.`,
  refused: (what, reason) => `${refused(what)}: ${refused(reason)}.`,
  moreRefused: (many) => `І ще ${n(many)}.`,
  trashedThere: (many) => `Відтоді вилучено там, а тепер у кошику тут: ${n(many)}.`,
  keptThough: (many) => `Вилучено там, але залишено, бо тут змінено пізніше: ${n(many)}.`,
  waitingFiles: (many) =>
    `${plural(many, 'вкладений файл', 'вкладені файли', 'вкладених файлів')} ця версія зберегти не може: не вилучайте джерело, доки їх не принесе імпорт після оновлення.`,
  waitingFile: (name) => `Вкладено: ${name}`,
  difflog: {
    diffs: (all) => `Дифи: ${counts(all)}.`,
    stars: (all) => `Зірки: ${counts(all)}.`,
    tldrs: (all) => `TLDR: ${counts(all)}.`,
    profile: 'Профіль оновлено.',
    withoutDay: (many) => `Збережено без дня, бо його має інший: ${diffsOf(many)}.`,
  },
}
