/** What `--json` prints, command by command: the contract that other programs build on. Works with no server at all. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scratchFolder, testHome } from './support/run.ts'

const ID = expect.stringMatching(/^[a-z2-7]{26}$/)
const now = () => 1_700_000_000_000
const at = { now }

describe('--json without a server', () => {
  it('space add, list, rename, rm, restore', async () => {
    const home = await testHome()
    const { id } = await home.json<{ id: string }>(['space', 'add', 'Work', '--avatar', 'W'], at)
    expect(await home.json(['space', 'list'])).toEqual([
      { id, name: 'Work', avatar: 'W', folder: null, createdAt: now(), updatedAt: now(), notes: 0, deleted: false },
    ])
    expect(await home.json(['space', 'rename', 'Work', 'Job'])).toEqual({ id, name: 'Job' })
    expect(await home.json(['space', 'rm', 'Job'])).toEqual({ id })
    expect(await home.json(['space', 'list'])).toEqual([])
    expect(await home.json(['space', 'restore', 'Job'])).toEqual({ id })
    expect(await home.failure(['space', 'add', 'Job'])).toMatchObject({ status: 1, code: 'space-exists' })
    expect(await home.failure(['space', 'add', ' '])).toMatchObject({ status: 2, code: 'bad-name' })
    for (const command of [
      ['rename', 'x', 'y'],
      ['rm', 'x'],
      ['restore', 'x'],
    ]) {
      expect(await home.failure(['space', ...command])).toMatchObject({ status: 1, code: 'no-such-space' })
    }
  })

  it('note add, list, show, edit, move, rm, restore, history', async () => {
    const home = await testHome()
    const space = await home.json<{ id: string }>(['space', 'add', 'A'])
    await home.json(['space', 'add', 'B'])
    const text = '\ufeff# Head\r\n\u0000 exact \n\n'
    const { id } = await home.json<{ id: string }>(['note', 'add', '--space', 'A', '--title', '-T', '--file', '-'], {
      input: text,
      now,
    })
    const summary = {
      id,
      space: 'A',
      spaceId: space.id,
      spaceDeleted: false,
      path: null,
      title: '-T',
      pinned: false,
      createdAt: now(),
      updatedAt: now(),
    }
    expect(await home.json(['note', 'list', '--space', 'A'])).toEqual([summary])
    expect(await home.json(['note', 'list', '--space', 'B'])).toEqual([])
    expect(await home.json(['note', 'show', id])).toEqual({ ...summary, text, conflicts: [] })
    expect(await home.text(['note', 'show', id])).toBe(text)
    expect(await home.json(['note', 'edit', id, '--file', '-'], { input: text })).toEqual({ id, changed: false })
    expect(await home.json(['note', 'edit', id, '--file', '-', '--pin'], { input: 'new' })).toEqual({ id, changed: true })
    expect(await home.json(['note', 'edit', id, '--title', 'U', '--unpin'])).toEqual({ id, changed: true })
    expect(await home.json(['note', 'show', id])).toMatchObject({ text: 'new', title: 'U', pinned: false })
    const [version] = await home.json<{ version: number }[]>(['note', 'history', id])
    expect(version).toEqual({ version: expect.any(Number), at: expect.any(Number), text })
    expect(await home.json(['note', 'restore', id, '--to-version', String(version?.version)])).toEqual({ id })
    expect(await home.text(['note', 'show', id])).toBe(text)
    expect(await home.json(['note', 'move', id, '--space', 'B'])).toEqual({ id })
    expect(await home.json(['note', 'rm', id])).toEqual({ id })
    expect(await home.json(['trash', 'list'])).toEqual([
      { kind: 'note', id, title: 'U', deletedAt: expect.any(Number), purgeAt: null },
    ])
    expect(await home.json(['note', 'restore', id])).toEqual({ id })
    expect(await home.failure(['note', 'restore', id])).toMatchObject({ status: 1, code: 'not-deleted' })
    expect(await home.failure(['note', 'restore', id, '--to-version', '999'])).toMatchObject({ status: 1, code: 'no-such-version' })
    expect(await home.failure(['note', 'add', '--space', 'C', '--title', 'x'])).toMatchObject({ status: 1, code: 'no-such-space' })
    for (const command of [
      ['show', 'x'],
      ['rm', 'x'],
      ['restore', 'x'],
      ['history', 'x'],
      ['edit', 'x', '--title', 'y'],
      ['move', 'x', '--space', 'A'],
    ]) {
      expect(await home.failure(['note', ...command])).toMatchObject({ status: 1, code: 'no-such-note' })
    }
  })

  it('a note takes its title from the text when none is given', async () => {
    const home = await testHome()
    const folder = await scratchFolder()
    await writeFile(join(folder, 'file.md'), 'no heading')
    await home.json(['space', 'add', 'A'])
    await home.json(['note', 'add', '--space', 'A', '--file', '-'], { input: '# From the text' })
    await home.json(['note', 'add', '--space', 'A', '--file', join(folder, 'file.md')])
    await home.json(['note', 'add', '--space', 'A', '--file', '-'], { input: '- the first line\n- another' })
    await home.json(['note', 'add', '--space', 'A'])
    const titles = (await home.json<{ title: string }[]>(['note', 'list'])).map(({ title }) => title)
    expect(titles).toEqual(['', 'From the text', 'file', 'the first line'])
    expect(await home.text(['note', 'list'])).toContain('Untitled')
  })

  it('note edit opens the editor, and does not lose what was typed when the note changed meanwhile', async () => {
    const home = await testHome()
    const folder = await scratchFolder()
    await home.json(['space', 'add', 'A'])
    const { id } = await home.json<{ id: string }>(['note', 'add', '--space', 'A', '--title', 'T', '--file', '-'], {
      input: 'one\n',
    })
    const editor = join(folder, 'editor.mjs')
    const edit = (env: string, script: string) =>
      writeFile(editor, script).then(() =>
        home.try(['note', 'edit', id, '--json'], { env: { [env]: `"${process.execPath}" "${editor}" --flag` } }),
      )
    const append = `import { appendFileSync } from 'node:fs'; appendFileSync(process.argv.at(-1), 'two\\n')`
    expect(await edit('EDITOR', append)).toMatchObject({ status: 0 })
    expect(await home.text(['note', 'show', id])).toBe('one\ntwo\n')
    expect(await edit('VISUAL', '')).toMatchObject({ status: 0, out: expect.stringContaining('"changed":false') })
    expect(await edit('EDITOR', 'process.exit(7)')).toMatchObject({
      status: 1,
      err: expect.stringContaining('"code":"editor-failed"'),
    })
    expect(await home.failure(['note', 'edit', id])).toMatchObject({ status: 2, code: 'bad-usage' })
    // The editor itself changes the note through another process, as a sync would.
    const cli = new URL('../bin/lockstep.js', import.meta.url).pathname
    const meanwhile = `import { execFileSync } from 'node:child_process'
      execFileSync(process.execPath, [${JSON.stringify(cli)}, '--home', ${JSON.stringify(home.folder)}, 'note', 'edit', ${JSON.stringify(id)}, '--file', '-'], { input: 'theirs' })
      ${append}`
    expect(await edit('EDITOR', meanwhile)).toMatchObject({ status: 1, err: expect.stringContaining('"code":"edited-elsewhere"') })
    expect(await home.text(['note', 'show', id])).toBe('theirs')
    const copy = (await home.json<{ id: string; title: string }[]>(['note', 'list'])).find(
      ({ title }) => title === 'T (edited copy)',
    )
    expect(await home.text(['note', 'show', copy?.id ?? ''])).toBe('one\ntwo\ntwo\n')
  })

  it('trash empty', async () => {
    const home = await testHome()
    await home.json(['space', 'add', 'A'])
    await home.json(['space', 'rm', 'A'])
    expect(await home.json(['trash', 'empty'])).toEqual({ purged: 1 })
    expect(await home.json(['trash', 'list'])).toEqual([])
    expect(await home.json(['trash', 'empty', '--yes'])).toEqual({ purged: 0 })
  })

  it('search finds notes, or diffs, and limits what it returns', async () => {
    const home = await testHome()
    await home.json(['space', 'add', 'A'])
    const { id } = await home.json<{ id: string }>(['note', 'add', '--space', 'A', '--title', 'Apples', '--file', '-'], {
      input: 'red and green',
    })
    await home.json(['note', 'add', '--space', 'A', '--title', 'Other', '--file', '-'], { input: 'green' })
    expect(await home.json(['search', 'gree', 'RED'])).toEqual([])
    expect(await home.json(['search', 'RED', 'gree'])).toEqual([{ id, space: 'A', title: 'Apples', snippet: 'red and green' }])
    expect(await home.json(['search', '"red and"'])).toHaveLength(1)
    expect(await home.json(['search', 'green', '--limit', '1'])).toHaveLength(1)
    expect(await home.json(['search', '***'])).toEqual([])
    await home.json(['note', 'rm', id])
    expect(await home.json(['search', 'red'])).toEqual([])
    const diff = await home.json<{ id: string }>(['diff', 'add', '--title', 'News', '--date', '2026-01-01', '--file', '-'], {
      input: 'green shoots',
    })
    expect(await home.json(['search', '--diffs', 'shoots'])).toEqual([
      { id: diff.id, space: null, title: 'News', snippet: 'green shoots' },
    ])
  })

  it('diff and star', async () => {
    const home = await testHome()
    const add = ['diff', 'add', '--title', 'One', '--date', '2026-01-02', '--file', '-']
    const first = await home.json<{ id: string }>([...add, '--window-days', '7'], { input: 'p0\n\np1', now })
    expect(first).toEqual({ id: ID, replaced: [] })
    const listed = { id: first.id, title: 'One', date: '2026-01-02', windowDays: 7, createdAt: now(), stars: 0, readAt: 0 }
    expect(await home.json(['diff', 'list'])).toEqual([listed])
    expect(await home.json(['diff', 'show', first.id])).toEqual({
      ...listed,
      text: 'p0\n\np1',
      paragraphs: ['p0', 'p1'],
      tldrs: [],
    })
    expect(await home.text(['diff', 'show', first.id, '--paragraphs'])).toBe('[0] p0\n\n[1] p1\n')
    expect(await home.text(['diff', 'show', first.id])).toBe('p0\n\np1')
    const star = `${first.id}:1`
    expect(await home.json(['star', 'add', first.id, '1'], at)).toEqual({ id: star })
    expect(await home.json(['star', 'list'])).toEqual([
      { id: star, diffId: first.id, diffTitle: 'One', date: '2026-01-02', paragraph: 1, item: null, text: 'p1', createdAt: now() },
    ])
    expect(await home.failure(['star', 'add', first.id, '2'])).toMatchObject({ status: 1, code: 'no-such-paragraph' })
    expect(await home.failure(['star', 'add', 'nope', '0'])).toMatchObject({ status: 1, code: 'no-such-diff' })
    expect(await home.json(['star', 'rm', star])).toEqual({ id: star })
    expect(await home.failure(['star', 'rm', star])).toMatchObject({ status: 1, code: 'no-such-star' })
    const second = await home.json<{ id: string }>(add, { input: 'new' })
    expect(second).toEqual({ id: ID, replaced: [first.id] })
    expect(await home.json(['diff', 'restore', first.id])).toEqual({ id: first.id })
    expect(await home.json(['diff', 'rm', first.id])).toEqual({ id: first.id })
    expect(await home.json(['diff', 'list'])).toEqual([])
    expect(await home.failure(['diff', 'add', '--title', 'x', '--date', '2026-02-30', '--file', '-'])).toMatchObject({
      status: 2,
      code: 'bad-date',
    })
  })

  it('profile show and set', async () => {
    const home = await testHome()
    const set = [
      'profile',
      'set',
      '--name',
      'Ada',
      '--languages',
      'Rust, Go,',
      '--tools',
      'jj',
      '--depth',
      'deep',
      '--custom-focus',
      'SQLite',
    ]
    expect(await home.json(set, at)).toEqual({ changed: true })
    expect(await home.json(set)).toEqual({ changed: false })
    expect(await home.json(['profile', 'set', '--api-key', 'openai'], { input: 'k\n', now })).toEqual({ changed: true })
    const shown = {
      name: 'Ada',
      languages: ['Go', 'Rust'],
      frameworks: [],
      tools: ['jj'],
      topics: [],
      depth: 'deep',
      customFocus: 'SQLite',
      updatedAt: now(),
    }
    expect(await home.json(['profile', 'show'])).toEqual({ ...shown, apiKeys: [{ provider: 'openai', updatedAt: now() }] })
    expect(await home.json(['profile', 'show', '--keys'])).toMatchObject({ apiKeys: [{ key: 'k' }] })
    expect(await home.text(['profile', 'show'])).not.toMatch(/\bk\b/)
    await home.json(['profile', 'set', '--remove-api-key', 'openai'])
    expect(await home.json(['profile', 'show'])).toMatchObject({ apiKeys: [] })
    for (const args of [[], ['--api-key', 'x']])
      expect(await home.failure(['profile', 'set', ...args])).toMatchObject({ status: 2, code: 'bad-usage' })
    expect(await home.failure(['profile', 'set', '--api-key', 'a b'], { input: 'k' })).toMatchObject({
      status: 2,
      code: 'bad-provider',
    })
  })

  it('import and export, Markdown and JSON', async () => {
    const home = await testHome()
    const folder = await scratchFolder()
    const source = join(folder, 'src')
    await mkdir(join(source, 'git'), { recursive: true })
    await writeFile(join(source, 'git/x.md'), '# X')
    await writeFile(join(source, 'git/bad.md'), Uint8Array.of(0xff))
    await writeFile(join(source, 'LICENSE'), 'MIT')
    const counts = { spaces: 1, added: 1, updated: 0, unchanged: 0, inTrash: 0, otherFiles: 1, hidden: 0, links: 0, special: 0 }
    const refused = [{ path: 'git/bad.md', reason: 'is not UTF-8 text' }]
    expect(await home.json(['import', 'markdown', source])).toEqual({ ...counts, refused })
    expect(await home.text(['import', 'markdown', source])).toBe(
      '0 notes added, 0 updated, 1 unchanged, 0 new spaces.\nLeft out: 1 other file.\nRefused: git/bad.md is not UTF-8 text.\n',
    )
    expect(await home.json(['export', 'markdown', join(folder, 'out')])).toEqual({ folders: 1, notes: 1, renamed: [] })
    expect(await readdir(join(folder, 'out/git'))).toEqual(['x.md'])
    expect(await home.failure(['export', 'markdown', join(folder, 'out')])).toMatchObject({
      status: 1,
      code: 'destination-not-empty',
    })
    expect(await home.failure(['import', 'markdown', join(folder, 'nothing')])).toMatchObject({
      status: 1,
      code: 'source-unreadable',
    })

    const json = join(folder, 'json')
    expect(await home.json(['export', 'json', json])).toEqual({ file: 'lockstep.json', spaces: 1, notes: 1, diffs: 0, stars: 0 })
    const file = join(json, 'lockstep.json')
    if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await home.failure(['export', 'json', json])).toMatchObject({ status: 1, code: 'destination-not-empty' })
    const other = await testHome()
    expect(await other.json(['import', 'json', json])).toEqual({ added: 2, updated: 0, unchanged: 0, kept: 0 })
    expect(await other.json(['import', 'json', file])).toEqual({ added: 0, updated: 0, unchanged: 2, kept: 0 })
    expect(await other.json(['import', 'json', '-'], { input: await readFile(file) })).toMatchObject({ unchanged: 2 })
    expect(await other.failure(['import', 'json', '-'], { input: '{}' })).toMatchObject({ status: 1, code: 'source-invalid' })
    expect(await other.failure(['import', 'json', join(folder, 'nothing')])).toMatchObject({ status: 1, code: 'file-unreadable' })
    expect(await other.failure(['import', 'json', '-'], { input: Uint8Array.of(0xff) })).toMatchObject({ code: 'file-unreadable' })
  })

  it('status, and what needs a session says so', async () => {
    const home = await testHome()
    expect(await home.json(['status'])).toEqual({
      state: 'local',
      pending: 0,
      lastSyncedAt: null,
      server: null,
      vault: null,
      deviceName: null,
      offlineSince: null,
      problems: [],
    })
    await home.json(['space', 'add', 'A'])
    expect(await home.json(['status'])).toMatchObject({ state: 'local', pending: 1 })
    for (const command of [
      ['sync'],
      ['sync', '--watch'],
      ['device', 'list'],
      ['device', 'revoke', 'x'],
      ['passphrase'],
      ['passwd', '--password-stdin'],
    ]) {
      expect(await home.failure(command, { input: 'a\nb' })).toMatchObject({ status: 3, code: 'not-signed-in' })
    }
    expect(await home.json(['sign-out'])).toMatchObject({ signedOut: true })
  })

  it('sign-out --wipe leaves nothing of the vault behind', async () => {
    const home = await testHome()
    await home.json(['space', 'add', 'A'])
    expect(await home.json(['sign-out', '--wipe'])).toMatchObject({ wiped: true })
    expect(await readdir(home.folder)).toEqual([])
    expect(await home.json(['space', 'list'])).toEqual([])
  })
})
