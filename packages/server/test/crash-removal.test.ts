/** A server that is killed while it removes a vault, or a share: all or nothing, and what was answered stays so. */
import { SHARE_MEDIA_TYPE } from '@lockstep/protocol/http'
import { expect, test } from 'vitest'
import { verify } from '#operate/verify'
import { openSqliteStorage } from '#storage/sqlite/sqlite'
import { Random, runs, seeds } from '../../../tests/support/random.ts'
import { type ServerProcess, spawnServer } from './child.ts'
import { b64, bearer, jsonRequest, named, push, ReplicaLog } from './client.ts'
import { foundOnDisk } from './disk.ts'
import { random as realRandom } from './in-process.ts'
import { running, signUp, temporaryFolder } from './running.ts'

const SHARE = `/v1/shares/${b64(named('share', 16))}`
const POINTS = [
  'before-removal-commit',
  'after-removal-commit',
  'before-share-commit',
  'after-share-commit',
  'after-shrinking-step',
] as const

/** Undefined when the server was killed before it answered. */
async function statusOf(request: Promise<Response>): Promise<number | undefined> {
  return request.then(
    ({ status }) => status,
    () => undefined,
  )
}

const remove = ({ url }: Pick<ServerProcess, 'url'>, token: string) =>
  statusOf(fetch(`${url}/v1/vaults/main`, jsonRequest('DELETE', { currentAuthKey: b64(named('auth main')) }, token)))

const asOwner = (token: string, method: string, body?: Uint8Array): RequestInit => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': SHARE_MEDIA_TYPE }
  return { method, headers, ...(body && { body: body as Uint8Array<ArrayBuffer> }) }
}

test('[VAULT-1] [SHR-1] killed at each point of a removal: all of it is there or nothing, and nothing that went is on the disk in the end', async () => {
  const [seed = 1] = seeds('kill -9 while removing', 1)
  const random = new Random(seed)
  const died: Record<string, number> = {}
  for (let run = 0; run < runs(POINTS.length); run++) {
    const point = POINTS[run % POINTS.length] as (typeof POINTS)[number]
    const data = temporaryFolder()
    const setUp = await running({ data })
    const { token } = await signUp(setUp.url)
    const log = new ReplicaLog('a')
    const sealed = Array.from({ length: 30 }, () => random.bytes(20_000))
    await push(
      setUp.url,
      token,
      sealed.map((bytes) => log.next(bytes)),
    )
    const share = random.bytes(50_000)
    expect(await statusOf(fetch(setUp.url + SHARE, asOwner(token, 'PUT', share)))).toBe(204)
    await setUp.close()

    const server = await spawnServer(data, { crashAt: `${point}:1` })
    const shareGone = point.endsWith('share-commit') && (await statusOf(fetch(server.url + SHARE, asOwner(token, 'DELETE'))))
    const vaultGone = point.endsWith('share-commit') ? undefined : await remove(server, token)
    await server.exited
    died[point] = (died[point] ?? 0) + (server.child.signalCode === 'SIGKILL' ? 1 : 0)
    expect([shareGone, vaultGone]).toEqual(
      point === 'after-shrinking-step' ? [false, 204] : [point.endsWith('share-commit') ? undefined : false, undefined],
    )

    const after = await running({ data })
    const status = await fetch(`${after.url}/v1/status`, bearer(token))
    const shared = await fetch(after.url + SHARE)
    if (point === 'after-removal-commit' || point === 'after-shrinking-step') {
      expect([status.status, shared.status]).toEqual([410, 404])
      expect((await fetch(`${after.url}/v1/vaults/main/sessions`, jsonRequest('POST', {}))).status).toBe(400)
      await signUp(after.url)
    } else {
      expect(await status.json()).toMatchObject({ head: 30, bytes: 30 * 20_000 + (point === 'after-share-commit' ? 0 : 50_000) })
      expect(shared.status).toBe(point === 'after-share-commit' ? 404 : 200)
      expect(await remove(after, token)).toBe(204)
    }
    await after.close()
    const storage = openSqliteStorage({ folder: data, random: realRandom })
    while (await storage.maintain(Date.now()));
    await storage.close()
    expect([point, foundOnDisk(data, { share, first: sealed[0] as Uint8Array, last: sealed[29] as Uint8Array })]).toEqual([
      point,
      [],
    ])
    expect(verify({ path: data })).toMatchObject({ damaged: false, findings: [] })
  }
  console.log(`kill -9 while removing: ${JSON.stringify(died)}, seed ${seed}`)
  for (const point of POINTS) expect([point, (died[point] ?? 0) > 0]).toEqual([point, true])
})
