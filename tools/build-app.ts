/**
 * `npm run build`: builds the web app into apps/web/dist, which `lockstep serve` serves. With `--if-stale`, as before `npm start`, only
 * where a source is newer than the last whole build; a build that fails does not keep the server from starting then.
 */
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compressFolder } from './compress.ts'
import { ROOT, repositoryFiles } from './files.ts'

const APP = join(ROOT, 'apps/web')
/** Written when a build is whole: one that was broken off has none. */
const STAMP = join(APP, 'dist/.built')
/** What the app is made of. */
const SOURCES = [
  'apps/web/{src,public,build}/**',
  'apps/web/*.*',
  'packages/{crypto,engine,import,model,protocol}/{src/**,package.json}',
  'package-lock.json',
]

function isStale(): boolean {
  if (!existsSync(STAMP)) return true
  const built = statSync(STAMP).mtimeMs
  return SOURCES.flatMap(repositoryFiles).some((path) => statSync(join(ROOT, path)).mtimeMs > built)
}

async function buildApp(): Promise<void> {
  // Not there where only what the server needs was installed.
  const { build } = await import('vite')
  await build({ root: APP, configFile: join(APP, 'vite.config.ts'), logLevel: 'error' })
  await compressFolder(join(APP, 'dist'))
  writeFileSync(STAMP, '')
}

const ifStale = process.argv.includes('--if-stale')
if (!ifStale || isStale()) {
  console.log('Building the web app (apps/web/dist) …')
  try {
    await buildApp()
  } catch (error) {
    console.error(`The web app could not be built: ${(error as Error).message}`)
    if (ifStale) console.error('The server starts without it, or with what was built before.')
    else process.exitCode = 1
  }
}
