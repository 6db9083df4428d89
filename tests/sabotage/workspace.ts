/** A copy of the workspace to do damage to: its own packages and tests, the dependencies of the original. */
import { execFile } from 'node:child_process'
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Bug } from './bugs.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SCOPE = '@lockstep'
const COPIED = [
  'packages',
  'tests',
  'docs',
  'tools',
  'apps',
  'vitest.config.ts',
  'tsconfig.json',
  'tsconfig.base.json',
  'package.json',
]
const run = promisify(execFile)

export interface TestRun {
  readonly passed: boolean
  readonly output: string
}

export class Workspace {
  readonly #folder: string

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'lockstep-sabotage-'))
    const filter = (path: string) => basename(path) !== 'node_modules' && basename(path) !== 'sabotage'
    for (const name of COPIED) {
      if (lstatSync(join(ROOT, name), { throwIfNoEntry: false }) !== undefined) {
        cpSync(join(ROOT, name), join(this.#folder, name), { recursive: true, filter })
      }
    }
    this.#linkDependencies()
  }

  /** Other people's packages are linked to as they are; our own names must lead to the copies. */
  #linkDependencies(): void {
    const modules = join(this.#folder, 'node_modules')
    mkdirSync(join(modules, SCOPE), { recursive: true })
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name !== SCOPE && !name.startsWith('.vite')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
    }
    for (const name of readdirSync(join(this.#folder, 'packages'))) {
      symlinkSync(join(this.#folder, 'packages', name), join(modules, SCOPE, name))
    }
  }

  /** Applies `bug` while `body` runs. @throws Error where its text is not in its file exactly once */
  async with<T>({ name, file, search, replace }: Bug, body: () => Promise<T>): Promise<T> {
    const path = join(this.#folder, file)
    const sound = readFileSync(path, 'utf8')
    const parts = sound.split(search)
    if (parts.length !== 2) {
      throw new Error(
        `"${name}": its text is ${parts.length - 1} times in ${file}, not once: bring tests/sabotage/bugs.ts up to date`,
      )
    }
    writeFileSync(path, parts.join(replace))
    try {
      return await body()
    } finally {
      writeFileSync(path, sound)
    }
  }

  async test({ tests, titles, seeds }: Pick<Bug, 'tests' | 'titles' | 'seeds'>): Promise<TestRun> {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const pattern = titles === undefined ? [] : ['-t', titles]
    const { LOCKSTEP_SEED: _, LOCKSTEP_REQUIRE_ALL: __, NODE_OPTIONS: ___, ...environment } = process.env
    const inherited = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('VITEST')))
    try {
      const { stdout, stderr } = await run(process.execPath, [vitest, 'run', '--no-color', ...pattern, ...tests], {
        cwd: this.#folder,
        env: {
          ...inherited,
          LOCKSTEP_RUNS: '1',
          LOCKSTEP_SHRINK: '0',
          ...(seeds !== undefined && { LOCKSTEP_SIMULATION_SEEDS: String(seeds) }),
        },
        maxBuffer: 64 * 1024 * 1024,
      })
      return { passed: true, output: stdout + stderr }
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
      return { passed: false, output: stdout + stderr }
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
