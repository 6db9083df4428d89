/** The browser's secret store, one for each home. What it was given is written into the home as well, where tests look for it. */
import { openSecretStore } from '@lockstep/engine/platform/browser/secret-store'
import type { SecretStore } from '@lockstep/engine/secrets'
import { rmSync, writeFileSync } from './node-fs.ts'

export function secretFiles(home: string): SecretStore {
  const store = openSecretStore(`lockstep-${home}`)
  function copy(name: string, json: unknown): void {
    writeFileSync(`${home}/${name}`, `${JSON.stringify(json, null, 2)}\n`)
  }
  return {
    loadSecrets: async () => (await store).loadSecrets(),
    loadProfile: async () => (await store).loadProfile(),
    async saveSecrets(json) {
      await (await store).saveSecrets(json)
      copy('keys.json', json)
    },
    async saveProfile(json) {
      await (await store).saveProfile(json)
      copy('profile.json', json)
    },
    async wipe() {
      await (await store).wipe()
      for (const name of ['keys.json', 'profile.json']) rmSync(`${home}/${name}`, { force: true })
    },
  }
}
