/** Shares, and what is left of removed vaults: backed up, restored, and found when they are damaged. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createBackup } from '#operate/backup'
import { restoreBackup } from '#operate/restore'
import { verify } from '#operate/verify'
import { named } from '../client.ts'
import { temporaryFolder } from '../running.ts'
import { makeVault, openStorage, pushSome, random, tamper } from './data.ts'

const SHARES = 4

/** Two vaults with shares, and a third that was removed. */
async function folderWithShares(): Promise<string> {
  const folder = temporaryFolder()
  const storage = openStorage(folder)
  for (const name of ['main', 'other', 'removed']) {
    const vault = await makeVault(storage, name)
    await pushSome(storage, vault, 3)
    for (let n = 0; n < SHARES; n++) {
      const share = { vault, id: named(`${name} ${n}`, 16), sealed: random(10 ** n + 20), now: n, quota: 0, most: SHARES }
      expect(await storage.shares.put(share)).toEqual({ outcome: 'stored' })
    }
    if (name === 'removed') await storage.removeVault({ vault, guesses: named('nobody', 16), now: 1000 })
  }
  await storage.close()
  return folder
}

test('[SHR-1] [VAULT-1] a backup has the shares, and restored they are read; devices of a removed vault are still told', async () => {
  const data = await folderWithShares()
  const backup = join(temporaryFolder(), 'backup')
  const report = await createBackup({ data, destination: backup, version: '1.2.3', now: 5 })
  expect(report.verified).toMatchObject({ damaged: false, findings: [], vaults: [{ name: 'main' }, { name: 'other' }] })
  const target = temporaryFolder()
  restoreBackup({ backup, data: target, replace: false, random, now: 6 })
  const [before, after] = [openStorage(data), openStorage(target)]
  for (const name of ['main', 'other', 'removed']) {
    for (let n = 0; n < SHARES; n++) {
      const id = named(`${name} ${n}`, 16)
      const sealed = await after.shares.get(id)
      expect(sealed).toEqual(await before.shares.get(id))
      expect(sealed === undefined).toBe(name === 'removed')
    }
  }
  expect(await after.isRemovedSession(named('token removed'))).toBe(true)
  expect(await makeVault(after, 'next')).toBe(4)
  await Promise.all([before.close(), after.close()])
  expect(verify({ path: target }).findings).toEqual([])
})

test('[SHR-1] [VAULT-1] damaged shares and what is left of removed vaults are found by name', async () => {
  const damages: readonly (readonly [sql: string, code: string, message: string])[] = [
    [
      "UPDATE shares SET sealed = CAST(x'00' || substr(sealed, 2) AS BLOB) WHERE number = 2",
      'share-altered',
      'not what was published',
    ],
    ['UPDATE shares SET digest = zeroblob(32) WHERE number = 1', 'share-altered', 'not what was published'],
    ['DELETE FROM shares WHERE number = 3', 'totals-wrong', 'its shares are said'],
    ['UPDATE logs SET share_bytes = share_bytes + 1 WHERE vault = 2', 'totals-wrong', 'its shares are said'],
    ['UPDATE shares SET vault = 9 WHERE number = 1', 'database-damaged', 'belongs to none of vaults'],
    ["UPDATE shares SET id = x'00' WHERE number = 1", 'database-damaged', 'a stored value (id)'],
    ["UPDATE removed_sessions SET token_hash = x'00'", 'database-damaged', 'a stored value (token_hash)'],
    ['UPDATE server SET vaults_made = 1', 'totals-wrong', 'more vaults than'],
  ]
  for (const [sql, code, message] of damages) {
    const folder = await folderWithShares()
    tamper(folder, sql)
    const { damaged, findings } = verify({ path: folder })
    expect([sql, damaged, findings[0]?.code, findings[0]?.message]).toEqual([sql, true, code, expect.stringContaining(message)])
  }
})
