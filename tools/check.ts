/** `npm run check`: everything but the tests themselves. Exit status 1 when a check failed. */
import { runChecks } from './steps.ts'

const failed = runChecks()
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`)
  process.exitCode = 1
}
