/** Exporting and importing as a tab sees it: what it asks for, what it is told, what it tells. */
import { addNote } from '@lockstep/model/notes'
import { addSpace } from '@lockstep/model/spaces'
import { describe, expect, test } from 'vitest'
import { exportNotes, importNotes } from '#host/transfer-jobs'
import { Transfers } from '#host/transfers'
import { tellExport, tellImport } from '#transfer/report'
import { runnerOf, type TransferClient } from '#transfer/runner'
import { requestOfFolder, requestsOf } from '#transfer/sources'
import { memoryVault } from '../../../tests/support/memory-vault.ts'

const file = (path: string, content = 'x') => ({ path, blob: new Blob([content]) })

/** A host that is asked as a tab asks. */
function host(vault = memoryVault().vault) {
  const transfers = new Transfers()
  const client: TransferClient = {
    exportNotes: (id, request) => transfers.run(id, (transfer) => exportNotes(vault, request, transfer)),
    importNotes: (id, request) => transfers.run(id, (transfer) => importNotes(vault, request, transfer)),
    followTransfer: (id, known) => transfers.follow(id, known),
    stopTransfer: async (id) => transfers.stop(id),
    takeBack: async ({ notes }) => notes.length,
  }
  return { vault, transfers, client }
}

describe('what is chosen', () => {
  test('tells by its names what it is: archives, exports, and the rest as one tree', () => {
    const requests = requestsOf([file('a.ZIP'), file('b.md'), file('c.json'), file('deep/d.zip'), file('e.png')])
    expect(requests).toMatchObject([
      { from: 'zip', name: 'a' },
      { from: 'json', name: 'c.json' },
      { from: 'files', name: 'Notes', files: [{ path: 'b.md' }, { path: 'deep/d.zip' }, { path: 'e.png' }] },
    ])
    expect(requestsOf([file('a.zip')], 'folder')).toMatchObject([{ from: 'files', name: 'folder' }])
    expect(requestsOf([])).toEqual([])
  })

  test('as a folder names the tree, and paths are below it', () => {
    const chosen = ['top/a/b.md', 'top/c.md'].map((path) => Object.assign(new Blob(['x']), { webkitRelativePath: path }) as File)
    expect(requestOfFolder(chosen)).toMatchObject([{ from: 'files', name: 'top', files: [{ path: 'a/b.md' }, { path: 'c.md' }] }])
  })
})

describe('a transfer', () => {
  test('asked for twice is done once; its progress is answered at once to who knows nothing, then when there is news', async () => {
    const transfers = new Transfers()
    let begun = 0
    const gate = Promise.withResolvers<void>()
    const work = async ({ report }: { report: (step: 'importing', done: number, total: number) => void }) => {
      begun++
      await gate.promise
      report('importing', 1, 2)
      await new Promise((resolve) => setTimeout(resolve))
      return 'done'
    }
    const both = [transfers.run('t', work), transfers.run('t', work)]
    const first = await transfers.follow('t', undefined)
    expect(first).toMatchObject({ step: 'reading', done: 0, total: 0 })
    const next = transfers.follow('t', first?.host)
    gate.resolve()
    expect(await next).toMatchObject({ step: 'importing', done: 1, total: 2 })
    expect(await transfers.follow('t', first?.host)).toBeUndefined()
    expect(await Promise.all(both)).toEqual(['done', 'done'])
    expect(begun).toBe(1)
  })

  test('that was stopped before it began does nothing', async () => {
    const { vault, client } = host()
    await client.stopTransfer('t')
    const request = { from: 'files', name: 'n', files: [file('a/b.md')] } as const
    await expect(client.importNotes('t', request)).rejects.toMatchObject({ code: 'cancelled' })
    expect(vault.query('SELECT * FROM notes')).toEqual([])
  })

  test('by a worker that took over is told to have begun again', async () => {
    const { client } = host()
    const told = Promise.withResolvers<void>()
    const answers = [
      { host: 'one', step: 'importing', done: 1, total: 2 },
      { host: 'two', step: 'importing', done: 0, total: 2 },
    ] as const
    let asked = 0
    const taken: TransferClient = {
      ...client,
      async importNotes(id, request) {
        await told.promise
        return client.importNotes(id, request)
      },
      async followTransfer() {
        const answer = answers[asked++]
        if (answer === undefined) told.resolve()
        return answer
      },
    }
    const [report] = await runnerOf(taken).import([{ name: 'n', request: { from: 'files', name: 'n', files: [file('a/b.md')] } }])
    expect(report).toMatchObject({ kind: 'import', again: true })
  })

  test('of several sources goes on after one that fails, and reports each; what was added is taken back once', async () => {
    const { client } = host()
    const runner = runnerOf(client)
    const reports = await runner.import([
      { name: 'bad', request: { from: 'zip', name: 'bad', file: new Blob(['none']) } },
      { name: 'good', request: { from: 'files', name: 'good', files: [file('a/b.md'), file('c.md')] } },
    ])
    expect(reports).toMatchObject([
      { kind: 'failed', name: 'bad', error: { code: 'source-invalid' } },
      { kind: 'import', name: 'good', result: { summary: { added: 2 } } },
    ])
    const id = reports[1]?.id ?? ''
    await runner.takeBack(id)
    expect(runner.state().reports[1]).toMatchObject({ takenBack: 2 })
    expect(runner.state().running).toBeUndefined()
  })

  test('into a Blob and back brings the same notes, as Markdown and as JSON', async () => {
    const { vault, client } = host()
    const space = addSpace(vault, { name: 'S', now: 1 })
    for (const text of ['one', 'two']) addNote(vault, { space, title: text, text, now: 1 })
    for (const [format, from] of [
      ['markdown', 'zip'],
      ['json', 'json'],
    ] as const) {
      const { blob } = await client.exportNotes(format, { format })
      const other = host(memoryVault(2).vault)
      await other.client.importNotes('i', { from, name: 'f', file: blob ?? new Blob() })
      expect(other.vault.query('SELECT text FROM notes ORDER BY text')).toEqual([{ text: 'one' }, { text: 'two' }])
    }
  })
})

describe('a report', () => {
  test('names what was refused in one line each, whatever the name holds', () => {
    const counts = { spaces: 1, added: 2, updated: 0, unchanged: 3, inTrash: 1, otherFiles: 1, hidden: 2, links: 0, special: 0 }
    const refused = [{ path: 'a\nb.md', reason: 'is not UTF-8 text' }]
    const told = tellImport({ kind: 'markdown', added: { spaces: [], notes: [] }, summary: { ...counts, refused, moreRefused: 4 } })
    expect(told.lines).toEqual([
      '2 notes added, 0 updated, 3 unchanged (1 of them in the trash).',
      '1 new space.',
      'Left out: 1 other file, 2 hidden.',
      '5 refused:',
    ])
    expect(told.details).toEqual(['a b.md is not UTF-8 text.', 'And 4 more.'])
    const renamed = [{ wanted: 'a?.md', path: 'a_.md' }]
    const exported = tellExport({ format: 'markdown', blob: undefined, summary: { notes: 1, folders: 1, renamed } })
    expect(exported.lines).toEqual(['1 note in 1 folder.', '1 file has another name, so that every system can hold it.'])
    expect(exported.details).toEqual(['Renamed: a?.md is a_.md'])
  })
})
