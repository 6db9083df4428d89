/**
 * What a command prints. With `--json` exactly one JSON value on stdout and nothing else there; else text for people. Notes
 * to people go to stderr, so that stdout can be piped. `--quiet` leaves out what is not asked for.
 */
import type { Failure } from '#errors'
import type { Io } from '#io'
import { printable } from '#table'

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
}

export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly #io: Io

  constructor(io: Io, { json, quiet }: OutputOptions) {
    this.#io = io
    this.json = json
    this.quiet = quiet
  }

  /** The command's result: `value` for programs, what `text` returns for people (a line end is added where it is missing). */
  result(value: unknown, text: () => string): void {
    if (this.json) {
      this.#io.stdout.write(`${JSON.stringify(value)}\n`)
      return
    }
    const shown = text()
    if (shown !== '') this.#io.stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`)
  }

  /** A confirmation that only repeats what was asked for. */
  done(value: unknown, text: () => string): void {
    if (this.json || !this.quiet) this.result(value, text)
  }

  /** Text exactly as it is. */
  raw(text: string): void {
    this.#io.stdout.write(text)
  }

  /** Something that a person should know beside the result. */
  note(text: string): void {
    if (!this.json && !this.quiet) this.#io.stderr.write(`${text}\n`)
  }

  failure({ code, message, retryAfter }: Failure): void {
    const error = { code, message, ...(retryAfter !== undefined && { retryAfter }) }
    this.#io.stderr.write(this.json ? `${JSON.stringify({ error })}\n` : `${sentence(message)}\n`)
  }
}

/**
 * "no note" → "No note.": one sentence, unless it ends with something to copy. It may begin with the name of a file or an address, which
 * stays as it is, and a server's words may be in it.
 */
export function sentence(text: string): string {
  const message = text.split('\n').map(printable).join('\n')
  const word = /^[a-z]+(?=[,;:]?(?:\s|$))/.exec(message)?.[0] ?? ''
  const end = /[.!?)]$|https?:\S+$|: lockstep \S.*$/.test(message) ? '' : '.'
  return `${word.slice(0, 1).toUpperCase()}${message.slice(word === '' ? 0 : 1)}${end}`
}
