/** [G5] A folder of blobs on a disk that is full, at each call that may find it so. */
import { readdirSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openFolderBlobs } from '#blobs/fs/fs'
import { StorageFullError } from '#storage/storage'
import { temporaryFolder } from '../running.ts'

/** The call that fails, and with what. */
const failing = vi.hoisted(() => ({ call: '', code: '' }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>()
  const fail = (call: string) => {
    if (failing.call === call) throw Object.assign(new Error(`${failing.code}: ${call}`), { code: failing.code })
  }
  return {
    ...original,
    rename: async (from: string, to: string) => {
      fail('rename')
      return original.rename(from, to)
    },
    open: async (path: string, flags: string, mode?: number) => {
      if (flags === 'wx') fail('open')
      const file: FileHandle = await original.open(path, flags, mode)
      const { sync, write } = file
      file.sync = async () => {
        fail(flags === 'wx' ? 'sync' : 'sync of the folder')
        return sync.call(file)
      }
      file.write = (async (...given: Parameters<typeof write>) => {
        fail('write')
        return write.apply(file, given)
      }) as typeof write
      return file
    },
  }
})

test('[G5] a full disk at any call: told as full, what was there stays, nothing is left, and it goes on', async () => {
  const folder = temporaryFolder()
  const blobs = openFolderBlobs({ folder })
  const body = (text: string) => new Blob([text.repeat(400_000)]).stream()
  await blobs.put('old', body('old'), 1e9)
  for (const code of ['ENOSPC', 'EDQUOT', 'EIO']) {
    for (const call of ['open', 'write', 'sync', 'rename']) {
      Object.assign(failing, { call, code })
      const outcome = await blobs.put('old', body('new'), 1e9).catch((error: Error) => error)
      Object.assign(failing, { call: '' })
      if (code === 'EIO') expect(outcome).toMatchObject({ code: 'EIO' })
      else expect(outcome).toBeInstanceOf(StorageFullError)
      expect([call, readdirSync(join(folder, 'incoming')), await blobs.list('')]).toEqual([call, [], ['old']])
      const blob = await blobs.open('old')
      expect(blob?.bytes).toBe(1_200_000)
      await blob?.close()
    }
  }
  await blobs.put('old', body('newer'), 1e9)
  const blob = await blobs.open('old')
  expect(blob?.bytes).toBe(2_000_000)
  await blob?.close()
})
