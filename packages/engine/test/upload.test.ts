import { hash } from 'node:crypto'
import { CHAIN_START, extendChain, identifySegment, type Sha256 } from '@lockstep/protocol/chain'
import { decodePush, encodeIndex, encodePushAnswer } from '@lockstep/protocol/records'
import { expect, test } from 'vitest'
import { EngineError } from '#errors'
import type { HttpClient } from '#http'
import { openSqlite } from '#platform/node/sqlite'
import { Remote } from '#remote'
import { column, defineSchema, table } from '#schema'
import type { Sealer } from '#sealing'
import { Syncer } from '#sync'
import { openVault } from '#vault'
import { Random } from '../../../tests/support/random.ts'
import { answer } from './support/log-server.ts'

const sha256: Sha256 = (bytes) => hash('sha256', bytes, 'buffer')
const schema = defineSchema({ notes: table({ text: column.text({ default: '' }) }) })

/** A server that takes every push, has no other device and nothing to be merged. */
function accepting(): { readonly http: HttpClient; readonly segments: () => number } {
  let head = 0
  let chain: Uint8Array = CHAIN_START
  const http: HttpClient = async ({ method, body, url }) => {
    // It merges nothing: the log's index is asked for now and then.
    if (url.includes('/v1/segments/index')) throw new EngineError('offline', 'not here')
    if (method === 'GET') return answer(200, encodeIndex({ head, chain, generation: new Uint8Array(16) }, []))
    if (body === undefined) throw new Error('only pushes were expected')
    const sequences: number[] = []
    for (const record of decodePush(body)) {
      chain = extendChain(sha256, chain, identifySegment(sha256, record))
      sequences.push(++head)
    }
    return answer(200, encodePushAnswer({ position: { head, chain, generation: new Uint8Array(16) }, sequences }))
  }
  return { http, segments: () => head }
}

// Incompressible and unencrypted: as many bytes travel as were written.
const plain: Sealer = { epoch: 1, seal: async (_place, body) => body, open: async (_place, sealed) => sealed }

test('[SYNC-1] one sync sends everything that is pending, however many pushes it takes, and so does the next one', async () => {
  const random = new Random(1)
  const runtime = { now: () => 1_700_000_000_000, random: (length: number) => random.bytes(length) }
  const vault = openVault({ schema, driver: openSqlite(), runtime, schedule: queueMicrotask })
  const server = accepting()
  const remote = new Remote({ server: 'http://localhost', http: server.http })
  const syncer = new Syncer({ store: vault.store, sealer: plain, sha256, remote, token: 'token' })
  for (let round = 0; round < 2; round++) {
    vault.transact((tx) => {
      for (let i = 0; i < 160; i++) tx.insert('notes', { text: 'x'.repeat(64 * 1024) })
    })
    const { uploaded } = await syncer.run()
    // Ten MiB in pushes of two: the third and later ones come after a moment in which enough was sealed ahead.
    expect(uploaded.bytes).toBeGreaterThan(160 * 64 * 1024)
    expect(vault.pending()).toBe(0)
    expect(server.segments()).toBe(uploaded.segments * (round + 1))
  }
  vault.close()
})
