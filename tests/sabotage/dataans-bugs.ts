/** Deliberate bugs in how the Dataans dialect keeps blocks and files. */
import type { Bug } from './bugs.ts'

const BLOCKS = 'packages/server/src/storage/sqlite/dataans-blocks.ts'
const OPERATIONS = 'packages/server/src/storage/sqlite/dataans-operations.ts'
const FILES = 'packages/server/src/dialects/dataans/files.ts'
const FOLDER = 'packages/server/src/blobs/fs/fs.ts'
const TESTS = 'packages/server/test/dataans'

export const dataansBugs: readonly Bug[] = [
  {
    name: 'Dataans blocks: each addition makes all of them anew',
    file: BLOCKS,
    search: 'let block = isBehind ? Math.floor(operations / ITEMS_PER_BLOCK) : blockAt(least, blocks)',
    replace: 'let block = isBehind && blocks === 0 ? 0 : 0 * blockAt(least, blocks)',
    tests: [`${TESTS}/blocks-cost.test.ts`],
    titles: 'one at the end',
  },
  {
    name: 'Dataans blocks: those in memory outlive a transaction that was rolled back',
    file: OPERATIONS,
    search: '        blocks.forget()\n',
    replace: '',
    tests: [`${TESTS}/full-disk.test.ts`],
  },
  {
    name: 'Dataans blocks: those of other lengths outlive an addition',
    file: BLOCKS,
    search: '        block += 1\n      }\n      remembered.clear()\n',
    replace: '        block += 1\n      }\n      remembered.delete(ITEMS_PER_BLOCK)\n',
    tests: [`${TESTS}/blocks-cost.test.ts`],
    titles: 'other lengths',
  },
  {
    name: 'Dataans operations: a reading goes on into what was added after it began',
    file: OPERATIONS,
    search: 'AND number <= ? ORDER BY',
    replace: 'AND number <= 1000000 + ? ORDER BY',
    tests: [`${TESTS}/blocks-property.test.ts`],
    titles: 'while operations are read',
  },
  {
    name: 'Dataans files: a blob is named before its bytes are synced',
    file: FOLDER,
    search: '    await file.sync()\n',
    replace: '',
    tests: [`${TESTS}/fsync.test.ts`],
  },
  {
    name: 'Dataans files: the name of a blob is not synced',
    file: FOLDER,
    search: '        await syncFolder(folder)\n',
    replace: '',
    tests: [`${TESTS}/fsync.test.ts`],
  },
  {
    name: 'Dataans files: what is over the limit is stored',
    file: FOLDER,
    search: 'if (bytes > maxBytes) throw',
    replace: 'if (bytes > 2 * maxBytes) throw',
    tests: [`${TESTS}/blobs.test.ts`],
    titles: 'just the limit',
  },
  {
    name: 'Dataans files: what was replaced stays',
    file: FILES,
    search: '    if (outcome.replaced !== undefined) await discard(outcome.replaced)\n',
    replace: '',
    tests: [`${TESTS}/files.test.ts`],
    titles: 'while its file is replaced',
  },
  {
    name: 'Dataans files: a killed upload is never tidied up',
    file: FILES,
    search: 'if (!known.has(name)) await blobs.remove(name)',
    replace: 'if (known.has(prefix)) await blobs.remove(name)',
    tests: [`${TESTS}/files.test.ts`],
    titles: 'a start removes',
  },
  {
    name: 'Dataans files: those of a lost database are taken for strays',
    file: FILES,
    search: 'blobs.list(prefix)',
    replace: "blobs.list('dataans-')",
    tests: [`${TESTS}/files.test.ts`],
    titles: 'a start removes',
  },
  {
    name: 'Dataans files: a page of another site may change them',
    file: 'packages/server/src/dialects/dataans/requests.ts',
    search: "header('sec-fetch-site') ?? ''",
    replace: "header('sec-fetch') ?? ''",
    tests: [`${TESTS}/bad-input.test.ts`],
    titles: 'a page of another site',
  },
]
