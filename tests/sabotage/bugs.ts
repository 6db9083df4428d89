/**
 * Deliberate bugs, each of a kind that people make, and the tests that must notice it. A patch replaces text that is in its
 * file exactly once: when the code moves on, the list has to follow, or its own test fails.
 */
import { dataansBugs } from './dataans-bugs.ts'
import { dialectBugs } from './dialect-bugs.ts'
import { keyBugs } from './key-bugs.ts'
import { logBugs } from './log-bugs.ts'
import { shareBugs } from './share-bugs.ts'

export interface Bug {
  readonly name: string
  /** Path in the repository. */
  readonly file: string
  readonly search: string
  readonly replace: string
  /** The test files that must fail, and a pattern for the titles to run. */
  readonly tests: readonly string[]
  readonly titles?: string
  /** Seeds of the simulation to run, where that is the test. */
  readonly seeds?: number
}

const SIMULATION = { tests: ['tests/simulation/simulation.test.ts'], titles: 'devices end up in step', seeds: 12 } as const

export const bugs: readonly Bug[] = [
  {
    name: 'the server does not sync its commits',
    file: 'packages/server/src/storage/sqlite/connection.ts',
    search: 'PRAGMA synchronous = FULL',
    replace: 'PRAGMA synchronous = OFF',
    tests: ['packages/server/test/storage.test.ts'],
    titles: 'each commit is synced',
  },
  {
    name: 'the server answers before it has committed',
    file: 'packages/server/src/group-commit.ts',
    search: 'const outcomes = await storage.append(pushes)',
    replace: `const running = storage.append(pushes)
      const outcomes = await Promise.race([running, Promise.resolve(pushes.map(() => ({ outcome: 'storage-full' as const })))])`,
    tests: ['packages/server/test/group-commit.test.ts'],
  },
  {
    name: 'the server ignores what a segment names as its predecessor',
    file: 'packages/server/src/storage/sqlite/log.ts',
    search: 'record.counter !== replica.counter + 1 || !equalBytes(record.previous, replica.digest)',
    replace: 'record.counter !== replica.counter + 1',
    tests: ['packages/server/test/storage.test.ts', 'packages/server/test/routes.test.ts'],
  },
  {
    name: 'a known segment that is sent again is refused',
    file: 'packages/server/src/storage/sqlite/log.ts',
    search: 'record.counter <= replica.counter && replica.number !== undefined',
    replace: 'record.counter < 0',
    tests: ['packages/server/test/routes.test.ts'],
    titles: 'LOG-3',
  },
  {
    name: 'a password is checked before the guess is counted',
    file: 'packages/server/src/routes/vaults.ts',
    search: `    const allowed = requireAllowed(guess)
    const right = secrets.checkAuthKey(authKey, vault?.authHash)`,
    replace: `    const right = secrets.checkAuthKey(authKey, vault?.authHash)
    const allowed = right ? { withdraw: async () => {} } : requireAllowed(guess)`,
    tests: ['packages/server/test/guesses.test.ts'],
    titles: 'right passwords',
  },
  {
    name: 'sessions outlive a change of the password',
    file: 'packages/server/src/routes/account.ts',
    search: '    sessions.ended(outcome.ended)\n    return credentials(session)\n',
    replace: '    return credentials(session)\n',
    tests: ['packages/server/test/routes.test.ts'],
    titles: 'KEY-4',
  },
  {
    name: 'the counter is not in what a segment is bound to',
    file: 'packages/crypto/src/envelope.ts',
    search: "replica, u64(counter, 'a counter'), u32(epoch, 'an epoch'))",
    replace: "replica, u64(1, 'a counter'), u32(epoch, 'an epoch'))",
    tests: ['packages/crypto/test/envelope.test.ts'],
  },
  {
    name: 'the key commitment is not checked',
    file: 'packages/crypto/src/envelope.ts',
    search: 'if (!equalInConstantTime(message.commitment, sealed.subarray(1 + SALT_BYTES, HEADER_BYTES)))',
    replace: 'if (message.commitment.length === 0)',
    tests: ['packages/crypto/test/commitment.test.ts'],
  },
  {
    name: 'the epoch is not in what a key is derived from',
    file: 'packages/crypto/src/hierarchy.ts',
    search: "const epochBytes = u32(epoch, 'an epoch')",
    replace: "const epochBytes = u32(1, 'an epoch')",
    tests: ['packages/crypto/test/hierarchy.test.ts', 'packages/crypto/test/vectors.test.ts'],
  },
  {
    name: 'content is hardly padded',
    file: 'packages/crypto/src/padding.ts',
    search: 'return Math.ceil(length / step) * step',
    replace: 'return length',
    tests: ['packages/crypto/test/padding.test.ts'],
  },
  {
    name: 'the smaller stamp wins',
    file: 'packages/engine/src/merge.ts',
    search: 'return a.stamp > b.stamp ? a : b',
    replace: 'return a.stamp < b.stamp ? a : b',
    ...SIMULATION,
  },
  {
    name: 'equal stamps are decided by who comes first',
    file: 'packages/engine/src/merge.ts',
    search: 'return compareScalars(a.value, b.value) >= 0 ? a : b',
    replace: 'return a',
    tests: ['tests/simulation/merge-order.test.ts'],
    titles: 'CELL-1',
  },
  {
    name: 'a delete wins over a later edit',
    file: 'packages/engine/src/merge.ts',
    search: 'out.set(name, ours === undefined ? theirs : joinCell(ours, theirs))',
    replace: `out.set(name, ours === undefined || (name === DELETED && theirs.value === 1) ? theirs : name === DELETED && ours.value === 1 ? ours : joinCell(ours, theirs))`,
    tests: ['packages/engine/test/merge.test.ts'],
    titles: 'CELL-7',
  },
  {
    name: 'an element that was taken out of a set by a later write stays',
    file: 'packages/engine/src/merge.ts',
    search: 'theirs.stamp > ours.stamp ||',
    replace: '(theirs.present && theirs.stamp > ours.stamp) ||',
    ...SIMULATION,
  },
  {
    name: 'a device that has seen a write may stamp before it',
    file: 'packages/engine/src/inbox.ts',
    search: 'if (newest !== undefined) this.#store.observe(newest)',
    replace: '',
    ...SIMULATION,
  },
  {
    name: 'the cursor is stored after the rows, not with them',
    file: 'packages/engine/src/log.ts',
    search: "this.#store.meta.set('cursor', cursor)\n",
    replace: "setImmediate(() => this.#store.meta.set('cursor', cursor))\n",
    ...SIMULATION,
  },
  {
    name: 'a counter is taken outside of the transaction',
    file: 'packages/engine/src/outbox.ts',
    search: 'this.#store.replica !== replica || now.counter !== start.counter || !equalBytes(now.digest, start.digest)',
    replace: 'this.#store.replica !== replica || now.counter < 0',
    ...SIMULATION,
  },
  {
    name: 'columns of a newer version are dropped',
    file: 'packages/engine/src/row-state.ts',
    search: '      foreign.push({ col: name, cell: encodeCell(cell) })\n',
    replace: '',
    ...SIMULATION,
  },
  {
    name: 'the base of a text is inserted by a random client',
    file: 'packages/engine/src/text.ts',
    search: 'return id * 16 + ((hash[6] as number) >> 4) + 1',
    replace: 'return Math.floor(Math.random() * 2 ** 52) + 1',
    tests: ['packages/engine/test/text.test.ts'],
  },
  {
    name: 'every document is edited under one client',
    file: 'packages/engine/src/text.ts',
    search: "doc.clientID = typeof client === 'number' ? client : client(key, clockOf)\n",
    replace: 'doc.clientID = 7\n',
    ...SIMULATION,
  },
  {
    name: 'what was written while a segment was being sealed counts as sent',
    file: 'packages/engine/src/outbox.ts',
    search: 'WHERE _n = _pending.n) = ?',
    replace: 'WHERE _n = _pending.n) >= ?',
    ...SIMULATION,
  },
  {
    name: 'a carry out of the counter is forgotten',
    file: 'packages/engine/src/hlc.ts',
    search: '      this.#millis++\n',
    replace: '',
    tests: ['packages/engine/test/hlc.test.ts'],
  },
  {
    name: 'the chain does not bind what a segment contains',
    file: 'packages/protocol/src/chain.ts',
    search: 'concatBytes(chain, segment.id, segment.digest)',
    replace: 'concatBytes(chain, segment.id)',
    tests: ['packages/protocol/test/chain.test.ts'],
  },
  ...dialectBugs,
  ...dataansBugs,
  ...keyBugs,
  ...logBugs,
  ...shareBugs,
]
