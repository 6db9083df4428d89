/**
 * `npm test`: all checks, then all tests (simulation and story included). Tells at the end what did not run and why, and
 * closes with one line: `N passed, N failed, N skipped`. A failed check counts as a failure. Exit status 1 when
 * anything failed. Arguments are handed to Vitest: `npm test -- packages/crypto`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandExists, type NotRun } from '../tests/support/optional.ts'
import { ROOT } from './files.ts'
import { runChecks, runStep } from './steps.ts'
import { summarise, type TestReport } from './test-summary.ts'

/** Commands that some tests need, with the Debian package that has them. */
const SYSTEM_COMMANDS = [
  { command: 'strace', debianPackage: 'strace' },
  { command: 'chromium', debianPackage: 'chromium' },
]

/** In continuous integration, where everything is required and the machine is ours to change. Nobody's own machine is touched. */
function installSystemCommands(): void {
  const missing = SYSTEM_COMMANDS.filter(({ command }) => !commandExists(command)).map(({ debianPackage }) => debianPackage)
  const isDebianRoot = process.getuid?.() === 0 && existsSync('/etc/debian_version')
  if (process.env['LOCKSTEP_REQUIRE_ALL'] !== '1' || missing.length === 0 || !isDebianRoot) return
  console.log(`\n# installing ${missing.join(', ')}`)
  if (runStep(['apt-get', 'update', '-q']) === 0) {
    runStep(['apt-get', 'install', '-qy', '--no-install-recommends', ...missing], { DEBIAN_FRONTEND: 'noninteractive' })
  }
}

function readIfPresent(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

const folder = mkdtempSync(join(tmpdir(), 'lockstep-test-'))
try {
  installSystemCommands()
  const failedChecks = runChecks()

  console.log('\n# tests')
  const reportFile = join(folder, 'report.json')
  const notRunFile = join(folder, 'not-run')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const status = runStep(['vitest', 'run', ...reporters, ...process.argv.slice(2)], { LOCKSTEP_NOT_RUN_FILE: notRunFile })
  const report = readIfPresent(reportFile)
  const summary = summarise(report === undefined ? undefined : (JSON.parse(report) as TestReport), status, ROOT)

  const notRun = (readIfPresent(notRunFile) ?? '').split('\n').filter((line) => line !== '')
  for (const line of new Set(notRun)) {
    const { name, why } = JSON.parse(line) as NotRun
    console.log(`not run: ${name}: ${why}`)
  }
  for (const test of summary.skippedTests) console.log(`skipped: ${test}`)
  for (const name of failedChecks) console.log(`failed: ${name}`)

  const failed = summary.failed + failedChecks.length
  console.log(`${summary.passed} passed, ${failed} failed, ${summary.skipped} skipped`)
  if (failed > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
