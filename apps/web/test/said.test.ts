/** What the packages say in English reaches people in their language. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { explain } from '#account/explain'
import { HostError } from '#link/messages'
import { transfer as enTransfer } from '#strings/en-transfer'
import { MESSAGES, part, REFUSALS, refused, said } from '#strings/uk-said'
import { transfer as ukTransfer } from '#strings/uk-transfer'
import { failureText } from '#text/failure-text'
import { sentence } from '#text/sentence'
import { type Message, messagesInSource } from './messages-in-source.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDERS = ['packages/engine/src', 'packages/model/src', 'packages/import/src', 'apps/web/src'].map((path) => join(ROOT, path))
/** Of other platforms, of tests, of what only the command line does, of the public page, which has words of its own, and what never leaves a merge. */
const ELSEWHERE = /^(?:platform\/node|testing|doctor)\/|contract|^published\.ts$|^compaction\/(?:touched|read-run)/

/** Mistakes of ours: they are told in the engine's words, and reported with them. */
const OURS = new Set([
  'async-transaction',
  'bad-id',
  'misuse',
  'nested-transaction',
  'not-a-query',
  'other',
  'row-exists',
  'schema-invalid',
  'unknown-column',
  'unknown-table',
])
/** What is written into the engine by its own app, never by people: of the wrong kind. */
const OF_A_KIND =
  /^(?:"|FROM ).*(?:cannot be null| takes | is not a (?:set|collaborative)| is a set)|update of a text|^the text that was edited/
/** Mistakes of ours as well. */
const WITHOUT_CODE = /VaultProvider|^there is no method|^\{\} \[\{\}\]$/
/** Given to the command line by people, or its words. */
const OF_THE_COMMAND_LINE = /fits more than one|cannot name a provider|^cancelled$|^the (?:ex|im)port was stopped/

const context = { server: 'https://notes.example', origin: 'https://notes.example', vault: 'main' }

/** Where the vault cannot be opened at all, these are told in their own words. */
const AT_THE_START = new Set(['busy', 'io'])

/** Told by its code, whatever its own words are. */
function isToldByCode({ code }: Message): boolean {
  return code.split('|').every((one) => {
    if (AT_THE_START.has(one)) return false
    const failure = new HostError({ name: 'EngineError', code: one, message: 'its own words', retryAfter: undefined })
    return !explain(failure, context).text.includes('wn words')
  })
}

const all = messagesInSource(FOLDERS, ELSEWHERE)
const ours = ({ code, text }: Message) =>
  OURS.has(code) || OF_A_KIND.test(text) || WITHOUT_CODE.test(text) || OF_THE_COMMAND_LINE.test(text)
const toBeSaid = all.filter((message) => message.kind !== 'refusal' && !ours(message) && !isToldByCode(message))
const refusals = all
  .filter(({ kind, text }) => kind === 'refusal' && /\p{L}{2}/u.test(text))
  .map(({ text }) => text.replace(/^\{\} (?=number)/, 'diff '))
  // What it is, put together there from a noun and an id or a place.
  .concat(['space', 'note', 'file', 'diff', 'star', 'TLDR'].flatMap((noun) => [`${noun} {}`, `${noun} number {}`]))
  .concat('operation without an id')

/** With something of its own in each place. */
function filled(text: string): { readonly text: string; readonly samples: readonly string[] } {
  const samples: string[] = []
  const filledIn = text.replaceAll('{}', () => {
    samples.push(`${samples.length + 41}`)
    return `${samples.length + 40}`
  })
  return { text: filledIn, samples }
}

test('the messages of the packages are found in their source', () => {
  expect(toBeSaid.length).toBeGreaterThan(80)
  expect(refusals.length).toBeGreaterThan(30)
  const texts = all.map(({ text }) => text)
  expect(texts).toContain('there is a space "{}" already')
  expect(texts).toContain('has a "{}" of another type')
  expect(texts).toContain("This device's clock is about {} hours ahead of the server's.")
})

test.each(toBeSaid.map((message) => [message.text, message] as const))('in Ukrainian: %s', (_, message) => {
  const { text, samples } = filled(message.text)
  // Some are only ever a reason that another one gives.
  const ukrainian = part(text) ?? ''
  expect(ukrainian, message.file).toMatch(/\p{Script=Cyrillic}/u)
  // A noun is left out, or "more" of a list: what is the person's own never is.
  if (!/^there is no \{\} |and \{\} more$/.test(message.text)) for (const sample of samples) expect(ukrainian).toContain(sample)
})

test.each(refusals)('why an import left it out, in Ukrainian: %s', (message) => {
  const { text, samples } = filled(message)
  const ukrainian = refused(text)
  expect(ukrainian).toMatch(/\p{Script=Cyrillic}|^TLDR/u)
  for (const sample of samples) expect(ukrainian).toContain(sample)
})

test.each([
  ['messages', MESSAGES, said, toBeSaid.map(({ text }) => text)],
  ['refusals', REFUSALS, refused, refusals],
] as const)(
  'of the Ukrainian %s none is for something that nobody says any more, or that another one takes first',
  (_, table, say, messages) => {
    const told = messages.map((text) => say(filled(text).text))
    for (const [english, ukrainian] of table) {
      const literals = ukrainian.split(/\{[~\d]?\}/).map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      const form = new RegExp(`^${literals.join('.+')}$`)
      expect(
        told.some((text) => form.test(text)),
        english,
      ).toBe(true)
    }
  },
)

test('what is the person’s own stays as it is, also where it looks like one of these sentences', () => {
  expect(said('there is a space "note 5" already')).toBe('Простір «note 5» уже є.')
  expect(said('notes of it is empty.zip is no zip archive, or a damaged one')).toContain('notes of it is empty.zip')
  expect(ukTransfer.refusedFile('note 5', 'is not UTF-8 text')).toBe('note 5: не є текстом в UTF-8.')
  expect(ukTransfer.refused('note 5', 'is not UTF-8 text')).toBe('нотатка 5: не є текстом в UTF-8.')
  expect(enTransfer.refused('note 5', 'is not UTF-8 text')).toBe('note 5 is not UTF-8 text.')
  expect(said("The clock of a device (replica 5) is 3 hours ahead of this device's.")).toContain('«невідомий пристрій (репліка 5)»')
})

test('what nobody has foreseen is told as it is, and named', () => {
  expect(said('something new')).toBe('Не вдалося. Докладніше англійською: Something new.')
})

test.each([
  ['there is a space "x" already', 'There is a space "x" already.'],
  ['https://a.example answered 404', 'https://a.example answered 404.'],
  ['use one like https://a.example', 'Use one like https://a.example'],
  ['notes.zip is no zip archive', 'notes.zip is no zip archive.'],
  ['Done!', 'Done!'],
  ['', ''],
])('a clause as a sentence: %s', (clause, expected) => {
  expect(sentence(clause)).toBe(expected)
})

test('a failure that its code tells all about is told in the app’s words, others in their own', () => {
  const failure = (code: string | undefined, name = 'EngineError') =>
    failureText(new HostError({ name, code, message: 'the message', retryAfter: undefined }))
  expect(failure('no-such-row')).toMatch(/deleted for good/)
  expect(failure('value-too-large')).toMatch(/4 MB/)
  expect(failure('full')).toMatch(/Free some space/)
  expect(failure('io')).toMatch(/Reload the page/)
  expect(failure(undefined)).toBe('The message.')
  expect(failure(undefined, 'NotAllowedError')).toMatch(/does not let/)
  expect(failureText('thrown as a text')).toBe('Thrown as a text.')
})
