/**
 * Tests that need something the machine may lack (a tool, data that is not in the repository). They run where it is there;
 * elsewhere the run says what did not run, and why, and still passes.
 *
 * ```ts
 * const strace = needs('power cuts replayed from a trace', commandExists('strace'), 'strace is not installed')
 * test.skipIf(!strace)('[SYNC-2] …', …)
 *
 * const notes = shared('data/til')
 * test.skipIf(notes === undefined)('…', …)
 * ```
 *
 * `LOCKSTEP_REQUIRE_ALL=1` (continuous integration) makes a missing need a failure. `tools/test.ts` collects what is recorded
 * here through the file named by `LOCKSTEP_NOT_RUN_FILE` and repeats it at the end.
 */
import { accessSync, appendFileSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One line of `LOCKSTEP_NOT_RUN_FILE`, JSON. */
export interface NotRun {
  readonly name: string
  readonly why: string
}

/**
 * Whether a test can run. If not, prints and records it.
 *
 * @param name What does not run, as a person would say it.
 * @param why What is missing and how to get it.
 * @throws Error when it is missing and `LOCKSTEP_REQUIRE_ALL=1`.
 */
export function needs(name: string, available: boolean, why: string): boolean {
  if (available) return true
  if (process.env['LOCKSTEP_REQUIRE_ALL'] === '1') throw new Error(`${name} cannot run and LOCKSTEP_REQUIRE_ALL=1: ${why}`)
  record({ name, why })
  return false
}

/** Whether a command is on the path. */
export function commandExists(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}

/**
 * A file or folder of `../shared`, beside the repository: real-world data and test vectors that are not part of it. They
 * cannot be installed, so their absence is told but never a failure, `LOCKSTEP_REQUIRE_ALL` or not.
 *
 * @returns its path, or undefined when it is not there.
 */
export function shared(path: string): string | undefined {
  const found = fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url))
  if (existsSync(found)) return found
  record({ name: `tests on ../shared/${path}`, why: 'it is not beside the repository' })
  return undefined
}

function record(notRun: NotRun): void {
  console.log(`not run: ${notRun.name}: ${notRun.why}`)
  const file = process.env['LOCKSTEP_NOT_RUN_FILE']
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(notRun)}\n`)
}
