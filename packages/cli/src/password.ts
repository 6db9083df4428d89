/** Passwords: typed without echo, or from standard input. They are never an argument: other users can see those. */
import { CliError } from '#errors'
import { dropLineEnd, readStdin } from '#input'
import type { Io } from '#io'

/** Below this many characters a person is warned; there is no minimum. */
const SHORT = 8
const SHORT_ALONE = 12

export function passwordWarning(password: string, passwordOnly: boolean): string | undefined {
  const enough = passwordOnly ? SHORT_ALONE : SHORT
  if (password.length >= enough) return undefined
  return passwordOnly
    ? `This password has fewer than ${enough} characters, and no passphrase helps it: whoever has the server's data can guess it.`
    : `This password has fewer than ${enough} characters: whoever also learns the passphrase can guess it.`
}

function checked(password: string): string {
  if (password === '') throw new CliError('bad-usage', 'the password is empty')
  return password
}

export interface PasswordSource {
  readonly stdin: boolean
  readonly prompt: string
  /** Asked for twice: nobody can look up a new password that was mistyped. */
  readonly isNew: boolean
}

export async function readPassword(io: Io, { stdin, prompt, isNew }: PasswordSource): Promise<string> {
  if (stdin) return checked(dropLineEnd(await readStdin(io)))
  const password = checked(await ask(io, `${prompt}: `))
  if (isNew && (await ask(io, `${prompt}, again: `)) !== password) {
    throw new CliError('bad-usage', 'the two passwords are not the same: try again')
  }
  return password
}

/** Two lines of standard input: the current password and the new one. */
export async function readPasswordChange(io: Io, stdin: boolean): Promise<{ current: string; next: string }> {
  if (stdin) {
    const lines = dropLineEnd(await readStdin(io)).split(/\r?\n/)
    const [current, next] = lines
    if (lines.length !== 2 || current === undefined || next === undefined) {
      throw new CliError('bad-usage', 'standard input must hold two lines: the current password and the new one')
    }
    return { current: checked(current), next: checked(next) }
  }
  const current = await readPassword(io, { stdin, prompt: 'Current password', isNew: false })
  return { current, next: await readPassword(io, { stdin, prompt: 'New password', isNew: true }) }
}

/** One line typed on the terminal, not shown. */
async function ask(io: Io, prompt: string): Promise<string> {
  const { stdin, stderr } = io
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) {
    throw new CliError('no-terminal', 'there is no terminal to ask for a password on: give it with --password-stdin')
  }
  stderr.write(prompt)
  stdin.setRawMode(true)
  const decoder = new TextDecoder()
  let typed = ''
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const key of decoder.decode(chunk as Uint8Array, { stream: true })) {
        if (key === '\r' || key === '\n' || key === '\u0004') return typed
        if (key === '\u0003') throw new CliError('not-confirmed', 'nothing was done')
        if (key === '\u007f' || key === '\b') typed = [...typed].slice(0, -1).join('')
        else if (key === '\u0015') typed = ''
        else typed += key
      }
    }
    return typed
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

/** A yes or no on the terminal; without one the command line itself is the answer. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  const { stdin, stderr } = io
  if (stdin.isTTY !== true) return true
  stderr.write(`${question} [y/N] `)
  for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
    stdin.pause()
    return /^y(?:es)?$/i.test(String(chunk).trim())
  }
  return false
}
