/** What people see and type: tables, sentences, progress, passwords. */
import { describe, expect, it } from 'vitest'
import { dataFolder, homeFolder } from '#home'
import { dropLineEnd } from '#input'
import { Output, sentence } from '#output'
import { confirm, readPassword, readPasswordChange } from '#password'
import { createProgress } from '#progress'
import { bytes, counted, printable, table } from '#table'
import { fakeIo, fakeTerminal, testHome } from './support/run.ts'

describe('text output', () => {
  it('tables line up, also with wide characters, and say when they are empty', () => {
    expect(
      table(
        ['ID', 'NAME'],
        [
          ['1', '日本 x'],
          ['22', 'é'],
        ],
        'none',
      ),
    ).toBe('ID  NAME\n1   日本 x\n22  é')
    expect(
      table(
        ['NAME', 'N'],
        [
          ['日本', '1'],
          ['e\u0301', '2'],
        ],
        'none',
      ),
    ).toBe('NAME  N\n日本  1\ne\u0301     2')
    expect(table(['A'], [], 'none')).toBe('none')
  })

  it('what others wrote cannot command the terminal or turn the line around', () => {
    expect(printable('a\u001b[31mb\nc\u0007\u009b\u202ed')).toBe('a [31mb c d')
  })

  it("an error cannot command the terminal either: its words may be a server's", () => {
    expect(sentence('the server says \u001b]0;owned\u0007 no\u009b2J')).toBe('The server says  ]0;owned  no 2J.')
    expect(sentence('first line\nsecond\u001b[A line')).toBe('First line\nsecond [A line.')
  })

  it('sentences begin with a capital letter and end, unless something to copy ends them', () => {
    expect(sentence('there is no note "x"')).toBe('There is no note "x".')
    expect(sentence('wrong password')).toBe('Wrong password.')
    expect(sentence('sign in with: lockstep sign-in --server URL')).toBe('Sign in with: lockstep sign-in --server URL')
  })

  it('counts and sizes', () => {
    expect([counted(1, 'note'), counted(2, 'note'), bytes(0), bytes(999), bytes(1234), bytes(56_789_000)]).toEqual([
      '1 note',
      '2 notes',
      '0 B',
      '999 B',
      '1.2 KB',
      '57 MB',
    ])
  })

  it('--quiet leaves out confirmations, not results', async () => {
    const home = await testHome()
    expect(await home.text(['--quiet', 'space', 'add', 'A'])).toMatch(/^[a-z2-7]{26}\n$/)
    expect(await home.text(['--quiet', 'space', 'rename', 'A', 'B'])).toBe('')
    expect(await home.text(['--quiet', 'space', 'list'])).toContain('B')
  })

  it('names of every kind show in tables', async () => {
    const home = await testHome()
    await home.json(['space', 'add', 'A'])
    const { id } = await home.json<{ id: string }>(['note', 'add', '--space', 'A', '--title', 'evil\u001b]0;x\u0007'])
    expect(await home.text(['note', 'list'])).not.toContain('\u001b')
    expect(await home.text(['note', 'rm', id])).toBe(`In the trash. Take it back with: lockstep note restore ${id}\n`)
    expect(await home.text(['trash', 'list'])).toContain('note  ')
    expect(await home.text(['status'])).toMatch(/^State {8}local only.*\nPending {6}2 changed rows\nLast synced {2}never\n$/)
  })
})

describe('progress', () => {
  it('is drawn on a terminal only, erased at the end, and not with --json or --quiet', () => {
    const options = { json: false, quiet: false }
    for (const [tty, output, drawn] of [
      [true, options, true],
      [false, options, false],
      [true, { json: true, quiet: false }, false],
      [true, { json: false, quiet: true }, false],
    ] as const) {
      const io = fakeIo()
      io.stderr.isTTY = tty
      const progress = createProgress(io, new Output(io, output))
      progress.update('Sending', 1, 2)
      progress.update('Sending', 2, 2)
      progress.end()
      expect(io.stderr.text !== '').toBe(drawn)
      if (drawn) expect(io.stderr.text).toMatch(/Sending \[#{12}-{12}\] 1\/2.*Sending \[#{24}\] 2\/2\r.\[2K$/s)
    }
  })
})

describe('passwords', () => {
  it('from standard input exactly one line end is dropped', async () => {
    const read = (input: string) => readPassword(fakeIo({ input }), { stdin: true, prompt: '', isNew: false })
    expect(await read('secret\n')).toBe('secret')
    expect(await read(' secret \n\n')).toBe(' secret \n')
    expect(await read('secret\r\n')).toBe('secret')
    expect(await read('pässwörd')).toBe('pässwörd')
    await expect(read('\n')).rejects.toMatchObject({ code: 'bad-usage' })
    expect(dropLineEnd('\n\n')).toBe('\n')
  })

  it('a change is two lines', async () => {
    const read = (input: string) => readPasswordChange(fakeIo({ input }), true)
    expect(await read('old\nnew\n')).toEqual({ current: 'old', next: 'new' })
    for (const input of ['old\n', 'old\nnew\nmore\n', '\nnew\n', 'old\n\n'])
      await expect(read(input)).rejects.toMatchObject({ code: 'bad-usage' })
  })

  it('typed on a terminal they are not echoed, can be corrected, and a new one is asked for twice', async () => {
    const io = fakeTerminal(['secrex\u007ft\r', 'secret\n'])
    expect(await readPassword(io, { stdin: false, prompt: 'Password', isNew: true })).toBe('secret')
    expect(io.stderr.text).toBe('Password: \nPassword, again: \n')
    expect(io.raw).toEqual([true, false, true, false])
    const twice = fakeTerminal(['one\r', 'two\r'])
    await expect(readPassword(twice, { stdin: false, prompt: 'P', isNew: true })).rejects.toMatchObject({ code: 'bad-usage' })
    await expect(readPassword(fakeTerminal(['x\u0003']), { stdin: false, prompt: 'P', isNew: false })).rejects.toMatchObject({
      code: 'not-confirmed',
    })
    const pasted = fakeTerminal(['wrong\u0015naïve 😀\r'])
    expect(await readPassword(pasted, { stdin: false, prompt: 'P', isNew: false })).toBe('naïve 😀')
    const change = fakeTerminal(['old\r', 'new\r', 'new\r'])
    expect(await readPasswordChange(change, false)).toEqual({ current: 'old', next: 'new' })
  })

  it('without a terminal and without --password-stdin it says what to do', async () => {
    await expect(readPassword(fakeIo(), { stdin: false, prompt: '', isNew: false })).rejects.toMatchObject({
      code: 'no-terminal',
      status: 2,
      message: expect.stringContaining('--password-stdin'),
    })
  })

  it('a question is asked on a terminal only', async () => {
    expect(await confirm(fakeIo(), 'Sure?')).toBe(true)
    expect(await confirm(fakeTerminal(['y\n']), 'Sure?')).toBe(true)
    expect(await confirm(fakeTerminal(['\n']), 'Sure?')).toBe(false)
  })
})

describe('the home folder', () => {
  it('is --home, else LOCKSTEP_HOME, else where the platform keeps data', () => {
    expect(homeFolder('/a/b', { LOCKSTEP_HOME: '/c' })).toBe('/a/b')
    expect(homeFolder(undefined, { LOCKSTEP_HOME: '/c' })).toBe('/c')
    expect(homeFolder(undefined, { LOCKSTEP_HOME: '' })).toMatch(/[/\\]home$/)
    expect(dataFolder({ XDG_DATA_HOME: '/x' }, 'linux', '/u')).toBe('/x/lockstep')
    expect(dataFolder({ XDG_DATA_HOME: 'relative' }, 'linux', '/u')).toBe('/u/.local/share/lockstep')
    expect(dataFolder({}, 'darwin', '/u')).toBe('/u/Library/Application Support/Lockstep')
    expect(dataFolder({ LOCALAPPDATA: '/l' }, 'win32', '/u')).toBe('/l/Lockstep')
  })
})
