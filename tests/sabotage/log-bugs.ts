/** Bugs in how a log is merged, received from its end, repaired and purged, and the tests that must notice them. */
import type { Bug } from './bugs.ts'

const LOG = { tests: ['packages/engine/test/log.test.ts'] } as const
const REPAIR = { tests: ['packages/engine/test/inbox.test.ts'], titles: 'LOG-9' } as const
const MERGED_AT_RANDOM = { tests: ['packages/engine/test/compaction.test.ts'] } as const

export const logBugs: readonly Bug[] = [
  {
    name: 'a run that was merged from another log is taken',
    file: 'packages/engine/src/log.ts',
    search: '    if (before !== undefined && !equalBytes(before, link.previous)) this.#misfit(link)\n',
    replace: '',
    ...LOG,
  },
  {
    name: 'nobody looks whether a run covers what is here',
    file: 'packages/engine/src/log.ts',
    search: '    this.#checkHolds(link, at.cursor)\n',
    replace: '',
    ...LOG,
  },
  {
    name: 'a run counts as held before its last part has come',
    file: 'packages/engine/src/held-end.ts',
    search: 'const whole = link.run === undefined || link.run.part === link.run.parts - 1',
    replace: 'const whole = true',
    ...LOG,
  },
  {
    name: 'the parts of a run may come in any order',
    file: 'packages/engine/src/inbox.ts',
    search: 'if (part > 0 && (due?.last !== last || due.part !== part || due.parts !== parts)) {',
    replace: 'if (part > parts) {',
    ...LOG,
  },
  {
    name: 'a seed for another place is taken',
    file: 'packages/engine/src/log.ts',
    search: '      if (!equalBytes(link.previous, at.chain)) {\n        throw',
    replace: '      if (link.previous.length === 0) {\n        throw',
    ...LOG,
  },
  {
    name: 'what the server lost is given back in another order',
    file: 'packages/engine/src/tail.ts',
    search: 'WHERE seq BETWEEN ? AND ? ORDER BY seq`',
    replace: 'WHERE seq BETWEEN ? AND ? ORDER BY counter, seq DESC`',
    ...REPAIR,
  },
  {
    name: 'what was sent from beyond the cursor is not given back',
    file: 'packages/engine/src/repair.ts',
    search: "    store.write('remote', () => store.meta.set('repairing', 1))\n",
    replace: '',
    ...REPAIR,
  },
  {
    name: 'a purge leaves the edits of the text that it takes',
    file: 'packages/engine/src/merge.ts',
    search: 'entry.updates.filter((update) => update.base > purge)',
    replace: '[...entry.updates]',
    tests: ['packages/engine/test/merge.test.ts'],
  },
  {
    name: 'a copied database stamps its old edits as new',
    file: 'packages/engine/src/store.ts',
    search: "    this.meta.set('formerReplicas', JSON.stringify([...this.ownReplicas()]))\n",
    replace: '',
    tests: ['packages/engine/test/inbox.test.ts'],
    titles: 'LOG-3',
  },
  {
    name: 'a merged segment leaves deleted rows out',
    file: 'packages/engine/src/compaction/state-parts.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as the file has it
    search: 'FROM ${rowsTable(table)} r WHERE r._n < ? ORDER BY',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as the file has it
    replace: 'FROM ${rowsTable(table)} r WHERE r._deleted = 0 AND r._n < ? ORDER BY',
    ...MERGED_AT_RANDOM,
  },
  {
    name: 'a packed text forgets which deletions do not follow from it',
    file: 'packages/engine/src/text-pack.ts',
    search: 'this.#write(base, apart, stated)',
    replace: 'this.#write(base, apart, [])',
    tests: ['packages/engine/test/text-pack.test.ts', ...MERGED_AT_RANDOM.tests],
    titles: 'CELL-4',
  },
  {
    name: 'an update is packed although it does not come out again',
    file: 'packages/engine/src/text-pack.ts',
    search: 'if (!equalBytes(putTogether(apart, allDeletions(implied, stated)), update)) return false\n',
    replace: '',
    tests: ['packages/engine/test/text-pack.test.ts'],
  },
  {
    name: 'the parts of a merged log are all of one size',
    file: 'packages/engine/src/compaction/state-parts.ts',
    search: 'Math.min(FIRST_BODY_BYTES * 2 ** (this.parts.length - 1), BODY_BYTES)',
    replace: 'BODY_BYTES',
    tests: ['packages/engine/test/compaction-content.test.ts'],
    titles: 'latest rows',
  },
]
