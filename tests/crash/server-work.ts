/**
 * A server at work on its real storage, one commit at a time: pushes in groups, merges, seeds, sign-ins, new credentials,
 * counted guesses. Everything random comes from one generator, except the bytes that nobody looks into.
 */
import type { Storage, VaultKey } from '@lockstep/server/storage/storage'
import { named, ReplicaLog } from '../../packages/server/test/client.ts'
import { appendOf, makeVault, mergingRun, random, seeding } from '../../packages/server/test/operate/data.ts'
import type { Random } from '../support/random.ts'

/** Yields after each commit that was acknowledged. Begins with two vaults. */
export async function* work(storage: Storage, draw: Random, commits: number): AsyncGenerator<void> {
  const main = await makeVault(storage)
  yield
  const vaults = [main, await makeVault(storage, 'other')] as const
  const authors = vaults.map((vault) => Array.from({ length: 3 }, (_, i) => new ReplicaLog(`${vault} ${i} ${draw.seed}`)))
  yield
  for (let left = commits; left > 0; left--) yield* oneThing(storage, draw, { vaults, authors })
}

interface People {
  readonly vaults: readonly [VaultKey, VaultKey]
  readonly authors: readonly (readonly ReplicaLog[])[]
}

async function* oneThing(storage: Storage, draw: Random, { vaults, authors }: People): AsyncGenerator<void> {
  const [main] = vaults
  const kind = draw.below(20)
  if (kind < 13) {
    const pushes = Array.from({ length: draw.between(1, 3) }, () => {
      const at = draw.below(2)
      const records = Array.from({ length: draw.between(1, 4) }, () =>
        draw.pick(authors[at] ?? []).next(random(draw.between(70, 6000))),
      )
      return appendOf(vaults[at] ?? main, records)
    })
    for (const { outcome } of await storage.append(pushes))
      if (outcome !== 'appended') throw new Error(`a push was refused: ${outcome}`)
    yield
  } else if (kind < 16) {
    const entries = await storage.index(main, 1, 1e6)
    if (entries.length === 0) return
    const from = draw.below(entries.length)
    const to = draw.between(from, entries.length - 1)
    yield* mergingRun(storage, main, [entries[from]?.first ?? 1, entries[to]?.last ?? 1], draw.between(1, 3))
  } else if (kind < 17) {
    yield* seeding(storage, main, draw.between(1, 2))
  } else if (kind < 18) {
    const name = `device ${draw.below(5)}`
    const secrets = { tokenHash: random(32), cookieHash: random(32) }
    await storage.openSession(main, { deviceId: named(name, 16), deviceName: name, ...secrets, now: draw.below(1e9) })
    yield
  } else if (kind < 19) {
    const { suite, salt, authHash, bundle } = await storage.vaultByKey(main)
    const renewed = { version: bundle.version + 1, sealed: random(300) }
    await storage.updateCredentials({
      vault: main,
      suite,
      salt,
      authHash,
      replaces: bundle.version,
      bundle: renewed,
      keep: named('token main'),
    })
    yield
  } else {
    const bucket = { key: named(`bucket ${draw.below(9)}`), times: [1, 2, draw.below(1e9)], expiresAt: 2e9 }
    await storage.changeGuesses([bucket.key], 1, () => ({ store: [bucket], result: undefined }))
    yield
  }
}
