/** Deliberate bugs of shares, codes and the removal of a vault (bugs.ts says what the fields mean). */
import type { Bug } from './bugs.ts'

export const shareBugs: readonly Bug[] = [
  {
    name: 'shares: the pages of what was unpublished are not overwritten',
    file: 'packages/server/src/storage/sqlite/connection.ts',
    search: "transactErasing: under('PRAGMA secure_delete = ON'",
    replace: "transactErasing: under('PRAGMA secure_delete = FAST'",
    tests: ['packages/server/test/erasing.test.ts'],
    titles: 'unpublished share',
  },
  {
    name: 'removal: the next vault gets the number of the one that was removed',
    file: 'packages/server/src/storage/sqlite/accounts.ts',
    search: "sql.newNumber.get()?.['number'] as VaultKey",
    replace: "connection.db.prepare('SELECT coalesce(max(number), 0) + 1 AS n FROM vaults').get()?.['n'] as VaultKey",
    tests: ['packages/server/test/storage.test.ts'],
    titles: 'a key is not given twice',
  },
  {
    name: 'removal: a token is enough',
    file: 'packages/server/src/routes/account.ts',
    search: '    await requireAuthKey(session, vault, currentAuthKey)\n',
    replace: '',
    tests: ['packages/server/test/removal.test.ts'],
    titles: 'a stolen token removes nothing',
  },
  {
    name: 'codes: one that was taken is still there',
    file: 'packages/server/src/codes.ts',
    search: 'const found = drop(code)',
    replace: 'const found = open.get(code)',
    tests: ['packages/server/test/codes.test.ts'],
    titles: 'a code is taken once',
  },
]
