/** The command line in this process, with streams that a test reads. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { run } from '#cli'
import type { Io } from '#io'

export interface Result {
  readonly status: number
  readonly out: string
  readonly err: string
}

export interface FakeOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly now?: () => number
  readonly signal?: AbortSignal
  /** Called with each piece that goes to stdout. */
  readonly onOutput?: (text: string) => void
}

class Sink extends Writable {
  text = ''
  readonly #onText: (text: string) => void
  constructor(onText: (text: string) => void = () => {}) {
    super()
    this.#onText = onText
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    this.#onText(chunk.toString())
    done()
  }
}

export interface FakeIo extends Io {
  readonly stdout: Sink
  readonly stderr: Sink & { isTTY?: boolean }
}

export function fakeIo({
  input = '',
  env = {},
  now = Date.now,
  signal = new AbortController().signal,
  onOutput,
}: FakeOptions = {}): FakeIo {
  return {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: new Sink(onOutput),
    stderr: new Sink(),
    env,
    now,
    interrupted: () => signal,
  }
}

/** A terminal that types `keys` whenever it is asked to. */
export function fakeTerminal(keys: readonly string[]): FakeIo & { readonly raw: boolean[] } {
  const raw: boolean[] = []
  const stdin = new PassThrough()
  const left = [...keys]
  const stderr = new Sink((text) => {
    if (/: $|\] $/.test(text)) setImmediate(() => stdin.write(left.shift() ?? '\u0003'))
  })
  return {
    ...fakeIo(),
    stdin: Object.assign(stdin, { isTTY: true, setRawMode: (on: boolean) => raw.push(on) }),
    stderr: Object.assign(stderr, { isTTY: true }),
    raw,
  }
}

/** A folder of this test alone. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function runIn(home: string, args: readonly string[], options: FakeOptions = {}): Promise<Result> {
  const io = fakeIo(options)
  const status = await run(['--home', home, ...args], io)
  return { status, out: io.stdout.text, err: io.stderr.text }
}

/** A home whose commands are expected to succeed. */
export class TestHome {
  readonly folder: string
  constructor(folder: string) {
    this.folder = folder
  }

  try(args: readonly string[], options?: FakeOptions): Promise<Result> {
    return runIn(this.folder, args, options)
  }

  async text(args: readonly string[], options?: FakeOptions): Promise<string> {
    const { status, out, err } = await this.try(args, options)
    if (status !== 0) throw new Error(`lockstep ${args.join(' ')} ended with ${status}: ${err}`)
    return out
  }

  /** The one JSON value on stdout; anything beside it, also on stderr, is an error. */
  async json<T = unknown>(args: readonly string[], options?: FakeOptions): Promise<T> {
    const { status, out, err } = await this.try([...args, '--json'], options)
    if (status !== 0 || err !== '') throw new Error(`lockstep ${args.join(' ')} ended with ${status}: ${err}`)
    if (out.indexOf('\n') !== out.length - 1) throw new Error(`lockstep ${args.join(' ')} printed more than one line: ${out}`)
    return JSON.parse(out) as T
  }

  /** Status and code of a command that must fail, with nothing on stdout and one JSON line on stderr. */
  async failure(args: readonly string[], options?: FakeOptions): Promise<{ status: number; code: string; message: string }> {
    const { status, out, err } = await this.try([...args, '--json'], options)
    if (status === 0 || out !== '') throw new Error(`lockstep ${args.join(' ')} ended with ${status} and printed ${out}`)
    const { error } = JSON.parse(err) as { error: { code: string; message: string } }
    return { status, ...error }
  }
}

export async function testHome(): Promise<TestHome> {
  return new TestHome(join(await scratchFolder(), 'home'))
}
