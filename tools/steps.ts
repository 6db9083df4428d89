/** Commands that the project's scripts run, with the workspace's tools and its Node first on the path. */
import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { ROOT } from './files.ts'

export interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

/** Everything that is checked without running the product, the quickest to mend first. */
const CHECKS: readonly Step[] = [
  { name: 'format and lint', command: ['biome', 'ci', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '--noEmit', '-p', '.'] },
  { name: 'types of what runs in browsers', command: ['tsc', '--noEmit', '-p', 'packages/engine/src/platform/browser'] },
  { name: 'types of the web app', command: ['tsc', '--noEmit', '-p', 'apps/web'] },
  { name: 'types of the service worker', command: ['tsc', '--noEmit', '-p', 'apps/web/src/service-worker'] },
  { name: 'types of tests in a browser', command: ['tsc', '--noEmit', '-p', 'tests/e2e'] },
  { name: 'types of the test pages', command: ['tsc', '--noEmit', '-p', 'tests/e2e/pages'] },
  { name: 'import rules', command: ['node', 'tools/check-imports.ts'] },
  { name: 'protocol rules', command: ['node', 'tools/check-rules.ts'] },
  { name: 'unused files, exports and dependencies', command: ['knip'] },
]

/** Runs a command in the repository's root; what it prints is shown. @returns its exit status, 1 when it could not be run. */
export function runStep([command, ...args]: Step['command'], environment: Readonly<Record<string, string>> = {}): number {
  const PATH = [join(ROOT, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter)
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...environment, PATH } })
  if (error) console.error(`${command}: ${error.message}`)
  return status ?? 1
}

/** Runs all checks, also after one failed. @returns the names of those that failed. */
export function runChecks(): string[] {
  const failed: string[] = []
  for (const { name, command } of CHECKS) {
    console.log(`\n# ${name}`)
    const start = performance.now()
    if (runStep(command) !== 0) failed.push(name)
    console.log(`# ${name}: ${failed.at(-1) === name ? 'failed' : 'ok'}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
  }
  return failed
}
