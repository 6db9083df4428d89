/** Checks every source file of the repository against `import-rules.ts`. Exit status 1 when one breaks a rule. */
import { readRepositoryFile, repositoryFiles } from './files.ts'
import { applyExceptions, checkFile, checkManifest, EXCEPTIONS, type Violation } from './import-rules.ts'

const sources = repositoryFiles('**/*.{ts,tsx,mts,cts,js,mjs,cjs}')
const violations: Violation[] = sources.flatMap((file) => checkFile(file, readRepositoryFile(file)))

for (const manifest of repositoryFiles('{packages,apps}/*/package.json')) {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readRepositoryFile(manifest)) as {
    dependencies?: Record<string, string>
    devDependencies?: Record<string, string>
  }
  violations.push(...checkManifest(manifest.replace('/package.json', ''), Object.keys({ ...dependencies, ...devDependencies })))
}

const left = applyExceptions(violations, EXCEPTIONS)
for (const { file, line, rule, message } of left) console.error(`${file}:${line} ${rule}: ${message}`)
console.log(`import rules: ${sources.length} files, ${left.length} ${left.length === 1 ? 'violation' : 'violations'}`)
if (left.length > 0) process.exitCode = 1
