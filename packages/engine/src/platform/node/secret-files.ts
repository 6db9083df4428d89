/** `keys.json` and `profile.json` of a home: mode 0600, replaced as a whole and synced, so that a crash leaves the old or the new. */
import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '#errors'
import type { SecretStore } from '#secrets'

const FILES = ['keys.json', 'profile.json']
const TEMPORARY = '.tmp'

async function readJson(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new EngineError('database-newer', `${path} is not JSON: it is damaged; restore it from a backup of this folder`, {
      cause: error,
    })
  }
}

async function replaceFile(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name)
  const temporary = `${path}.${randomBytes(8).toString('hex')}${TEMPORARY}`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

export function secretFiles(home: string): SecretStore {
  const save = (name: string) => (json: unknown) => replaceFile(home, name, `${JSON.stringify(json, null, 2)}\n`)
  return {
    loadSecrets: () => readJson(join(home, 'keys.json')),
    saveSecrets: save('keys.json'),
    loadProfile: () => readJson(join(home, 'profile.json')),
    saveProfile: save('profile.json'),
    async wipe() {
      // With what a crash may have left of a replacement.
      const ours = (name: string) =>
        FILES.some((file) => name === file || (name.startsWith(`${file}.`) && name.endsWith(TEMPORARY)))
      for (const name of await readdir(home)) if (ours(name)) await rm(join(home, name), { force: true })
    },
  }
}
