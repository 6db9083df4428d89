/** Deliberate bugs in the dialects of other products' clients. */
import type { Bug } from './bugs.ts'

const DIFFLOG = 'tests/dialects/difflog.test.ts'
const PASSWORDS = 'tests/dialects/difflog-passwords.test.ts'
const DATAANS = 'tests/dialects/dataans.test.ts'

export const dialectBugs: readonly Bug[] = [
  {
    name: 'diff·log: a hash is believed although its sender did not list everything',
    file: 'packages/server/src/storage/difflog-rules.ts',
    search: 'if (exact && sent !== undefined) return sent',
    replace: 'if (changed && sent !== undefined) return sent',
    tests: [DIFFLOG],
    titles: 'a hash is never taken',
  },
  {
    name: 'diff·log: a hash outlives the rows that it was of',
    file: 'packages/server/src/storage/difflog-rules.ts',
    search: 'return changed ? null : stored',
    replace: 'return stored',
    tests: [DIFFLOG],
    titles: 'nothing is downloaded that the device has',
  },
  {
    name: 'diff·log: a deleted diff leaves its TLDRs',
    file: 'packages/server/src/storage/sqlite/difflog.ts',
    search: "if (collection === 'diffs') for (const tldr of rows.tldrsOf(key, id)) remove('tldrs', tldr)",
    replace: '',
    tests: [DIFFLOG],
    titles: 'TLDRs along that the deleting device never saw',
  },
  {
    name: 'diff·log: guesses are counted but never refused',
    file: 'packages/server/src/dialects/difflog/passwords.ts',
    search: 'if (!attempt.allowed) throw locked(attempt.retryAfter)',
    replace: 'if (!attempt.allowed) attempt.retryAfter',
    tests: [PASSWORDS],
    titles: '100 at once',
  },
  {
    name: 'diff·log: nobody remembers who was right a moment ago',
    file: 'packages/server/src/dialects/difflog/passwords.ts',
    search: 'if (recentlyRight.knows(id, network, digest)) {',
    replace: 'if (recentlyRight.knows(id, network, digest) && network === undefined) {',
    tests: [PASSWORDS],
    titles: 'leave the owner signed in',
  },
  {
    name: 'Dataans: operations are in order to the second',
    file: 'packages/server/src/storage/sqlite/dataans-operations.ts',
    search: '.u32(nanoseconds)',
    replace: '.u32(0 * nanoseconds)',
    tests: [DATAANS],
    titles: 'in the order of what they mean',
  },
  {
    name: 'Dataans: blocks are made anew from the first operation of a batch, not from the earliest',
    file: 'packages/server/src/storage/sqlite/dataans-operations.ts',
    search: 'if (least === undefined || compareBytes(place, least) < 0) least = place',
    replace: 'if (least === undefined || compareBytes(place, least) > 1) least = place',
    tests: [DATAANS],
    titles: 'whoever sends them first',
  },
  {
    name: 'Dataans: another operation under a known id is taken for the same',
    file: 'packages/server/src/storage/sqlite/dataans-operations.ts',
    search: 'if (!equalBytes(known, checksum)) throw',
    replace: 'if (!equalBytes(known, known)) throw',
    tests: [DATAANS],
    titles: 'another operation under an id',
  },
  {
    name: 'the gate does not stand before the dialects',
    file: 'packages/server/src/app.ts',
    search: 'if (keeper && !terms(request.method, path).ungated) {',
    replace: 'if (keeper && dialectOf(path) === undefined && !terms(request.method, path).ungated) {',
    tests: ['tests/dialects/dataans-access.test.ts'],
    titles: 'a token of another team',
  },
]
