/**
 * Checks that every rule of docs/protocol.md has a test or a reason in `known-gaps.json`, and that tests name only rules
 * that exist. Exit status 1 otherwise.
 */
import { readRepositoryFile, repositoryFiles } from './files.ts'
import { coverageOf, mentionsOf, rulesOf } from './rule-coverage.ts'

const rules = rulesOf(readRepositoryFile('docs/protocol.md'))
// Contract suites are exported as code beside the interface that they pin down; every adapter's test runs them.
const tests = [...repositoryFiles('{packages,apps,tests}/**/*.test.{ts,tsx}'), ...repositoryFiles('packages/*/src/**/*contract.ts')]
const mentions = tests.flatMap((file) => mentionsOf(file, readRepositoryFile(file)))
const gaps = JSON.parse(readRepositoryFile('tools/known-gaps.json')) as Record<string, string>

const { counts, missing, problems } = coverageOf(rules, mentions, gaps)
for (const [rule, reason] of Object.entries(gaps)) console.log(`known gap: [${rule}] ${reason}`)
for (const rule of missing) console.error(`[${rule}] has no test`)
for (const problem of problems) console.error(problem)
const tested = [...counts.values()].filter((count) => count > 0).length
console.log(
  `protocol rules: ${rules.length}, with tests ${tested}, known gaps ${Object.keys(gaps).length}, missing ${missing.length}`,
)
if (missing.length > 0 || problems.length > 0) process.exitCode = 1
