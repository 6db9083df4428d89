/**
 * An empty or new folder on disk as the destination of an export. Nothing that exists is ever replaced, and nothing is
 * written outside of the folder: it is empty at the start, every name in it comes from here, and no name can climb.
 */
import { mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { ImportError } from '#errors'
import type { Destination } from '#markdown-export'

export interface DestinationOptions {
  /** Permission bits of files, before the umask. */
  readonly mode?: number
}

/** @throws ImportError `destination-not-empty`, `destination-unwritable` */
export async function openDestination(folder: string, { mode = 0o666 }: DestinationOptions = {}): Promise<Destination> {
  let top: string
  try {
    await mkdir(folder, { recursive: true })
    top = await realpath(folder)
    if ((await readdir(top)).length > 0) {
      throw new ImportError('destination-not-empty', `"${folder}" is not empty: name an empty or a new folder`)
    }
  } catch (error) {
    throw error instanceof ImportError ? error : unwritable(folder, error)
  }
  const at = (path: string): string => {
    const full = join(top, path)
    // Names are safe before they get here; should that ever fail, this says so instead of writing.
    if (!full.startsWith(top.endsWith(sep) ? top : top + sep))
      throw new ImportError('destination-unwritable', `${path} is outside of ${folder}`)
    return full
  }
  const guard = async (path: string, work: Promise<unknown>) => {
    try {
      await work
    } catch (error) {
      throw unwritable(path, error)
    }
  }
  const caseSensitive = await isCaseSensitive(top).catch((error: unknown) => Promise.reject(unwritable(folder, error)))
  return {
    rules: { names: process.platform === 'win32' ? 'windows' : 'posix', caseSensitive },
    makeFolder: (path) => guard(path, mkdir(at(path))),
    writeFile: (path, bytes) => guard(path, writeFile(at(path), bytes, { flag: 'wx', mode })),
  }
}

/** Asks the file system itself: the same system can have both kinds. */
async function isCaseSensitive(top: string): Promise<boolean> {
  const probe = join(top, `.lockstep-${process.pid}-probe`)
  await writeFile(probe, '', { flag: 'wx' })
  try {
    return await stat(join(dirname(probe), `.LOCKSTEP-${process.pid}-PROBE`)).then(
      () => false,
      () => true,
    )
  } finally {
    await rm(probe)
  }
}

function unwritable(path: string, error: unknown): ImportError {
  const { code, message } = error as NodeJS.ErrnoException
  return new ImportError('destination-unwritable', `"${path}" cannot be written (${code ?? message})`, { cause: error })
}
