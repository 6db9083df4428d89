/** The folder of blobs: the contract of every blob store, and what is its own. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { blobContract } from '#blobs/contract'
import { openFolderBlobs } from '#blobs/fs/fs'
import { temporaryFolder } from '../running.ts'

describe('blob contract: files in a folder', () => {
  const cases = blobContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-blobs-'))
    return {
      blobs: openFolderBlobs({ folder }),
      reopen: async () => openFolderBlobs({ folder }),
      dispose: async () => rmSync(folder, { recursive: true }),
    }
  })
  for (const { title, run } of cases) test(title, run)
})

test('what a killed upload has left is removed at the next start, and nothing else', async () => {
  const folder = join(temporaryFolder(), 'files')
  await openFolderBlobs({ folder }).put('kept', new Blob(['kept']).stream(), 100)
  writeFileSync(join(folder, 'incoming', 'half'), 'half')
  mkdirSync(join(folder, 'incoming', 'strange'))
  const blobs = openFolderBlobs({ folder })
  expect(readdirSync(join(folder, 'incoming'))).toEqual([])
  expect(await blobs.list('')).toEqual(['kept'])
})

test('a failed upload leaves nothing behind in the folder', async () => {
  const folder = temporaryFolder()
  const blobs = openFolderBlobs({ folder })
  await expect(blobs.put('a', new Blob(['too much']).stream(), 3)).rejects.toThrow('limit')
  expect(readdirSync(join(folder, 'incoming'))).toEqual([])
})

test('the folder and its files are for their owner alone', async () => {
  const folder = join(temporaryFolder(), 'files')
  await openFolderBlobs({ folder }).put('a', new Blob(['text']).stream(), 100)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600)
})
