/** `keys.json` and `profile.json` of a home: mode 0600, replaced as a whole and synced, so that a crash leaves the old or the new. */
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '#errors'
import type { SecretStore } from '#secrets'

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
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
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
      await rm(join(home, 'keys.json'), { force: true })
      await rm(join(home, 'profile.json'), { force: true })
    },
  }
}
