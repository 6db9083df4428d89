/** What people hand to commands: files, standard input, passwords, an editor's text. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliError, messageOf } from '#errors'
import type { Io } from '#io'

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CliError('file-unreadable', `${what} is not UTF-8 text`, { cause: error })
  }
}

export async function readStdin({ stdin }: Io): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  return decode(Buffer.concat(chunks), 'standard input')
}

/** The exact text of a file; `-` is standard input. */
export async function readText(io: Io, file: string): Promise<string> {
  if (file === '-') return readStdin(io)
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (error) {
    const why = REASONS[String((error as NodeJS.ErrnoException).code)] ?? messageOf(error)
    throw new CliError('file-unreadable', `"${file}" cannot be read: ${why}`, { cause: error })
  }
  return decode(bytes, `"${file}"`)
}

/** Of what the system says in a code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'its permissions do not let you',
}

/** Without the one line end that `echo` and editors add. */
export const dropLineEnd = (text: string) => text.replace(/\r?\n$/, '')

/** Opens the person's editor on a text and returns what they saved. The copy on disk is theirs alone and goes afterwards. */
export async function editText(io: Io, text: string): Promise<string> {
  const editor = io.env['VISUAL'] || io.env['EDITOR']
  if (editor === undefined || editor === '') {
    throw new CliError('bad-usage', 'there is no editor to open: set EDITOR, or give the new text with --file')
  }
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-edit-'))
  try {
    const file = join(folder, 'note.md')
    await writeFile(file, text, { mode: 0o600 })
    await runEditor(editor, file)
    return decode(await readFile(file), 'the edited text')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function runEditor(editor: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // EDITOR may hold arguments ("code --wait"), so a shell reads it; the file is an argument of its own.
    const windows = process.platform === 'win32'
    const child = windows
      ? spawn(`${editor} "${file}"`, { stdio: 'inherit', shell: true })
      : spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
    const fail = (why: string, cause?: unknown) =>
      reject(new CliError('editor-failed', `the editor "${editor}" ${why}; nothing was changed`, { cause }))
    child.on('error', (error) => fail(`could not be started: ${error.message}`, error))
    child.on('exit', (status, signal) => (status === 0 ? resolve() : fail(`ended with ${signal ?? `status ${status}`}`)))
  })
}
