/**
 * Several profiles below one home. A profile is a device of its own, with its own vault, keys and session; nothing goes from one to
 * another.
 *
 * | where | what |
 * | --- | --- |
 * | the home itself | the profile `main` |
 * | `profiles/<name>/` | the others |
 * | `current-profile` | the name of the one that commands without `--profile` are about; absent: `main` |
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '#errors'

export const MAIN = 'main'
/** Lower case only: two names must not be one folder on a disk that takes both for the same. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/
/** Windows has devices of these names in every folder. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)$/
const CURRENT = 'current-profile'
const FOLDER = 'profiles'

export function isProfileName(name: string): boolean {
  return NAME.test(name) && !RESERVED.test(name)
}

export class Profiles {
  readonly #home: string

  constructor(home: string) {
    this.#home = home
  }

  /** Main first, then by name. */
  list(): string[] {
    const folder = join(this.#home, FOLDER)
    const others = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []
    const names = others.filter((entry) => entry.isDirectory() && isProfileName(entry.name) && entry.name !== MAIN)
    return [MAIN, ...names.map(({ name }) => name).sort()]
  }

  has(name: string): boolean {
    return this.list().includes(name)
  }

  /** @throws CliError `no-such-profile` */
  folderOf(name: string): string {
    if (name === MAIN) return this.#home
    if (!this.has(name)) {
      throw new CliError('no-such-profile', `there is no profile "${name}": see which there are with: lockstep profile list`)
    }
    return join(this.#home, FOLDER, name)
  }

  /** The one that was switched to last. */
  current(): string {
    try {
      return readFileSync(join(this.#home, CURRENT), 'utf8').trim() || MAIN
    } catch (error) {
      // No such file, or a home that is none, which its opening says better.
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return MAIN
      throw new CliError('home-unusable', `it cannot be read which profile is the current one (${code})`, { cause: error })
    }
  }

  /** @throws CliError `no-such-profile` */
  switchTo(name: string): void {
    this.folderOf(name)
    const file = join(this.#home, CURRENT)
    if (name === MAIN) {
      rmSync(file, { force: true })
      return
    }
    const temporary = `${file}.${process.pid}.tmp`
    writeFileSync(temporary, `${name}\n`, { mode: 0o600 })
    renameSync(temporary, file)
  }

  /** @throws CliError `bad-usage`, `profile-exists` */
  checkNew(name: string): void {
    if (!isProfileName(name)) {
      throw new CliError(
        'bad-usage',
        `"${name}" cannot name a profile: use up to 32 small letters, digits, - and _, beginning with a letter or digit`,
      )
    }
    if (this.has(name)) throw new CliError('profile-exists', `there is a profile "${name}" already: give the new one another name`)
  }

  /** The folder of a new profile. @throws CliError `bad-usage`, `profile-exists` */
  create(name: string): string {
    this.checkNew(name)
    const folder = join(this.#home, FOLDER, name)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  }

  /** Gives a profile its name, and returns it. @throws CliError `bad-usage`, `profile-exists` */
  rename(from: string, to: string): string {
    this.checkNew(to)
    renameSync(this.folderOf(from), join(this.#home, FOLDER, to))
    return to
  }

  /** Of one whose making failed. */
  discard(name: string): void {
    rmSync(join(this.#home, FOLDER, name), { recursive: true, force: true })
  }
}
