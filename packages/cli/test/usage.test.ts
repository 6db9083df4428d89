/** Bad command lines: status 2, one sentence that says what is wrong, and nothing done. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '#cli'
import { fakeIo, scratchFolder, testHome } from './support/run.ts'

const WRONG: readonly (readonly [args: string, message: string])[] = [
  ['nothing', "unknown command 'nothing'"],
  ['nte', 'Did you mean note?'],
  ['note lst', 'Did you mean list?'],
  ['note list --spce A', 'Did you mean --space?'],
  ['note list extra', 'too many arguments'],
  ['note add --title T', "required option '--space <space>'"],
  ['note show', "missing required argument 'id'"],
  ['note edit x --pin --unpin', 'cannot be used with'],
  ['note move x', "required option '--space <space>'"],
  ['note restore x --to-version two', 'It must be a whole number'],
  ['space add', "missing required argument 'name'"],
  ['space rename A', "missing required argument 'name'"],
  ['space list extra', 'too many arguments'],
  ['trash empty extra', 'too many arguments'],
  ['search', "missing required argument 'words'"],
  ['search x --limit many', 'It must be a whole number'],
  ['search x --limit -1', 'It must be a whole number'],
  ['diff add --title T --date 2026-01-01', "required option '--file <file>'"],
  ['diff add --title T --date 2026-01-01 --file x --window-days 1.5', 'It must be a whole number'],
  ['diff show', "missing required argument 'id'"],
  ['star add x', "missing required argument 'paragraph'"],
  ['star add x first', 'It must be a whole number'],
  ['star add x -1', 'It must be a whole number'],
  ['star rm', "missing required argument 'id'"],
  ['profile set --depth', 'argument missing'],
  ['profile set --font big', "unknown option '--font'"],
  ['import markdown', "missing required argument 'dir'"],
  ['import notion x', "unknown command 'notion'"],
  ['import dataans', 'name a file that Dataans exported, or a server'],
  ['import dataans x --server http://127.0.0.1:1', 'name a file that Dataans exported, or a server'],
  ['import difflog --server http://127.0.0.1:1', "required option '--id <id>'"],
  ['import json', "missing required argument 'source'"],
  ['export markdown', "missing required argument 'dest'"],
  ['export json', "missing required argument 'dest'"],
  ['sign-in', "required option '--server <url>'"],
  ['sign-in --server http://127.0.0.1:1 --passphrase x --password-only', 'cannot be used with'],
  ['sign-out now', 'too many arguments'],
  ['passwd --new', "unknown option '--new'"],
  ['passphrase x', 'too many arguments'],
  ['device revoke', "missing required argument 'id'"],
  ['device remove x', "unknown command 'remove'"],
  ['status now', 'too many arguments'],
  ['sync --wach', 'Did you mean --watch?'],
  ['serve --sign-up everybody', 'Allowed choices are single, open, closed'],
  ['serve --port 99999', 'port'],
  ['serve --port http', 'port'],
  ['serve --tls-cert x', 'tlsCert and tlsKey come together'],
  ['serve --config /nowhere.json', 'the config file cannot be read'],
  ['serve --trusted-proxy here', 'trustedProxy'],
  ['serve --public-url nowhere', 'publicUrl'],
  ['--home', 'argument missing'],
]

describe('a bad command line', () => {
  it.each(WRONG)('%s: %s', async (line, message) => {
    const home = join(await scratchFolder(), 'home')
    const args = ['--json', '--home', home, ...line.split(' ')].slice(line === '--home' ? 3 : 0)
    const io = fakeIo()
    const status = await run(line === '--home' ? ['--json', '--home'] : args, io)
    expect(status).toBe(2)
    expect(io.stdout.text).toBe('')
    const { error } = JSON.parse(io.stderr.text) as { error: { code: string; message: string } }
    expect(error.code).toMatch(/^bad-(?:usage|config)$/)
    expect(error.message).toContain(message)
    expect(error.message).not.toMatch(/^error|\n/)
    // Nothing was opened.
    await expect(readdir(home)).rejects.toThrow('ENOENT')
  })

  it('for a person it is one sentence on stderr', async () => {
    const io = fakeIo()
    expect(await run(['note', 'show'], io)).toBe(2)
    expect(io.stderr.text).toBe("Missing required argument 'id'.\n")
    expect(io.stdout.text).toBe('')
  })

  it('a group without its command, or nothing at all, gets the help and status 2', async () => {
    for (const args of [[], ['note'], ['import']]) {
      const io = fakeIo()
      expect(await run(args, io)).toBe(2)
      expect(io.stderr.text).toMatch(/^Usage: lockstep/)
      expect(io.stdout.text).toBe('')
    }
  })

  it('help and version are no failure', async () => {
    for (const args of [['--help'], ['note', '--help'], ['help', 'note'], ['note', 'add', '--help'], ['--version']]) {
      const io = fakeIo()
      expect(await run(args, io)).toBe(0)
      expect(io.stdout.text).not.toBe('')
      expect(io.stderr.text).toBe('')
    }
  })

  it('a home that cannot be used, a file that is not there: said with its name', async () => {
    const home = await testHome()
    const io = fakeIo()
    expect(await run(['--home', '/dev/null/home', '--json', 'space', 'list'], io)).toBe(1)
    expect(JSON.parse(io.stderr.text)).toMatchObject({
      error: { code: 'home-unusable', message: expect.stringContaining('/dev/null/home') },
    })
    await home.json(['space', 'add', 'A'])
    expect(await home.failure(['note', 'add', '--space', 'A', '--file', '/nowhere/x.md'])).toMatchObject({
      status: 1,
      code: 'file-unreadable',
      message: expect.stringContaining('/nowhere/x.md'),
    })
  })
})
