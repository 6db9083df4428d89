/** The list of public links, beside a server that refuses, loses answers and is left. */
import { EngineError } from '@lockstep/engine/errors'
import { ServerProblem } from '@lockstep/engine/server-problem'
import { expect, test } from 'vitest'
import { addDiff, removeDiff } from '#diffs'
import { ModelError } from '#errors'
import { listPublications, type Publisher, publishDiff, removeFromServer, unpublish } from '#publications'
import { emptyTrash, listTrash } from '#trash'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

const NOW = 1_800_000_000_000
const offline = new EngineError('offline', 'out of reach')

/** What a server has, by id; `fail` is thrown by the next request, `stored` first where it came through. */
function publishing() {
  const { vault } = memoryVault()
  const published = new Map<string, string>()
  const next: { fail?: Error | undefined; stored?: boolean } = {}
  let links = 0
  const step = (id: string, change: () => void) => {
    const { fail, stored = false } = next
    next.fail = undefined
    if (fail === undefined || stored) change()
    if (fail !== undefined) throw fail
    expect(
      listPublications(vault).map((each) => each.id),
      'what may be public is in the list',
    ).toContain(id)
  }
  const publisher: Publisher = {
    newLink: () => ({ server: 'https://notes.example.org', id: `share-${++links}`, key: `key-${links}` }),
    publish: async ({ id }, { text }) => step(id, () => published.set(id, text)),
    unpublish: async ({ id }) => step(id, () => published.delete(id)),
  }
  const diff = (date: string, text: string) => addDiff(vault, { title: `News of ${date}`, date, text, now: NOW }).id
  return { vault, publisher, published, next, diff }
}

async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'none'
  } catch (error) {
    if (error instanceof ModelError || error instanceof EngineError) return error.code
    throw error
  }
}

test('[SHR-1] published, listed, published again under the same link, taken back', async () => {
  const { vault, publisher, published, diff } = publishing()
  const id = diff('2026-11-20', 'first')
  const first = await publishDiff(vault, publisher, { diff: id, now: NOW })
  expect(first).toEqual({
    id: 'share-1',
    server: 'https://notes.example.org',
    key: 'key-1',
    diffId: id,
    title: 'News of 2026-11-20',
    date: '2026-11-20',
    publishedAt: NOW,
  })
  expect(listPublications(vault)).toEqual([first])
  vault.transact((tx) => tx.update('diffs', id, { text: 'mended' }))
  expect(await publishDiff(vault, publisher, { diff: id.slice(0, 8), now: NOW + 1 })).toEqual({ ...first, publishedAt: NOW + 1 })
  expect([...published]).toEqual([['share-1', 'mended']])
  expect(await unpublish(vault, publisher, id)).toHaveLength(1)
  expect([...published, ...listPublications(vault)]).toEqual([])
  const again = await publishDiff(vault, publisher, { diff: id, now: NOW })
  expect(again.id).not.toBe(first.id)
})

test('[SHR-1] a link outlives its diff in the list, and nothing of one that was taken back waits in the trash', async () => {
  const { vault, publisher, published, diff } = publishing()
  const [one, two] = [diff('2026-11-20', 'one'), diff('2026-11-21', 'two')]
  const { id } = await publishDiff(vault, publisher, { diff: one, now: NOW })
  await publishDiff(vault, publisher, { diff: two, now: NOW + 1 })
  removeDiff(vault, one)
  expect(listPublications(vault).map(({ title }) => title)).toEqual(['News of 2026-11-21', 'News of 2026-11-20'])
  await unpublish(vault, publisher, id)
  expect([...published.values()]).toEqual(['two'])
  expect(vault.query('SELECT key FROM all_publications WHERE id = ?', id)).toEqual([{ key: '' }])
  expect(listTrash(vault).map(({ kind }) => kind)).toEqual(['diff'])
  emptyTrash(vault)
  expect(vault.query('SELECT id FROM all_publications')).toHaveLength(1)
})

test('[SHR-1] what the server refused is not in the list; what it may have is, until that is known', async () => {
  const { vault, publisher, published, next, diff } = publishing()
  const id = diff('2026-11-20', 'text')
  next.fail = new ServerProblem(507, 'quota-exceeded', 'full', {}, undefined)
  expect(await codeOf(() => publishDiff(vault, publisher, { diff: id, now: NOW }))).toBe('quota-exceeded')
  next.fail = new EngineError('vault-removed', 'gone')
  expect(await codeOf(() => publishDiff(vault, publisher, { diff: id, now: NOW }))).toBe('vault-removed')
  Object.assign(next, { fail: offline, stored: true })
  expect(await codeOf(() => publishDiff(vault, publisher, { diff: id, now: NOW }))).toBe('offline')
  const [doubtful] = listPublications(vault)
  expect(doubtful).toMatchObject({ diffId: id, publishedAt: null })
  expect([...published.keys()]).toEqual([doubtful?.id])
  expect(await publishDiff(vault, publisher, { diff: id, now: NOW })).toMatchObject({ id: doubtful?.id, publishedAt: NOW })
  next.fail = offline
  expect(await codeOf(() => unpublish(vault, publisher, id))).toBe('offline')
  expect(listPublications(vault)).toHaveLength(1)
})

test('[SHR-1] a diff that is not there, one that was never published, and one named too shortly', async () => {
  const { vault, publisher, diff } = publishing()
  expect(await codeOf(() => publishDiff(vault, publisher, { diff: 'none', now: NOW }))).toBe('no-such-diff')
  const id = diff('2026-11-20', 'text')
  expect(await codeOf(() => unpublish(vault, publisher, id))).toBe('no-such-publication')
  await publishDiff(vault, publisher, { diff: id, now: NOW })
  expect(await codeOf(() => unpublish(vault, publisher, id.slice(0, 3)))).toBe('no-such-publication')
  expect(await unpublish(vault, publisher, id.slice(0, 6))).toHaveLength(1)
})

test('[VAULT-1] what was published on a server goes from the list with the vault there, and no other', async () => {
  const { vault, publisher, diff } = publishing()
  await publishDiff(vault, publisher, { diff: diff('2026-11-20', 'here'), now: NOW })
  const elsewhere = { ...publisher, newLink: () => ({ server: 'https://old.example.org', id: 'other', key: 'k' }) }
  await publishDiff(vault, elsewhere, { diff: diff('2026-11-21', 'there'), now: NOW })
  const profile = { server: 'https://notes.example.org' }
  const refused = { vault, profile, removeFromServer: () => Promise.reject(new EngineError('wrong-credentials', 'no')) }
  expect(await codeOf(() => removeFromServer(refused, { password: 'x' }))).toBe('wrong-credentials')
  expect(listPublications(vault)).toHaveLength(2)
  await removeFromServer({ vault, profile, removeFromServer: async () => {} }, { password: 'x' })
  expect(listPublications(vault).map(({ id }) => id)).toEqual(['other'])
})
