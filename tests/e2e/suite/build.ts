/**
 * Test files as one program for a browser's worker: each file is a piece of its own, loaded by its path. What a test imports of Node's
 * platform is replaced by the browser's, module for module; so the files themselves are those that run in Node.
 */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'vite'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const WORKER = join(ROOT, 'tests/e2e/suite/worker')
const DERIVATION = join(ROOT, 'packages/crypto/src/derivation.ts')

const ours = (name: string): string => join(WORKER, `${name}.ts`)

/** Modules by their path, and what stands for them in a worker. */
const REPLACED: ReadonlyMap<string, string> = new Map([
  ...['sqlite', 'compression', 'http', 'socket', 'secret-files', 'device'].map(
    (name) => [join(ROOT, `packages/engine/src/platform/node/${name}.ts`), ours(name)] as const,
  ),
  [join(ROOT, 'tests/support/running-server.ts'), ours('running-server')],
])

/** Modules that stay in Node: each function of theirs is asked there. */
export const ASKED: Readonly<Record<string, string>> = {
  twoKeys: 'packages/crypto/test/support/two-keys.ts',
  wycheproof: 'packages/crypto/test/support/wycheproof.ts',
}

const NODE = /^node:(crypto|fs|os|path|zlib)$/
/** Node's globals, given to tests only: what is tested must not see that they are there. */
const GLOBALS = ['Buffer', 'process', 'setImmediate']
const TEST_FILES = 'virtual:test-files'

function inBrowser(files: readonly string[]): Plugin {
  const asked = new Map(Object.entries(ASKED).map(([name, path]) => [join(ROOT, path), name]))
  return {
    name: 'tests-in-a-browser',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (source === TEST_FILES) return `\0${source}`
      if (source === 'virtual:real-derivation') return DERIVATION
      const node = NODE.exec(source)
      if (node !== null) return ours(`node-${node[1]}`)
      // Tests of the derivation import it as `#derivation`, and so does its own package.
      if (source === '@lockstep/crypto/derivation') return ours('derivation')
      const resolved = await this.resolve(source, importer, { skipSelf: true })
      return resolved === null ? null : (REPLACED.get(resolved.id) ?? resolved)
    },
    async load(id) {
      if (id === `\0${TEST_FILES}`) {
        const entries = files.map((file) => `${JSON.stringify(file)}: () => import(${JSON.stringify(join(ROOT, file))})`)
        return `export const files = { ${entries.join(', ')} }`
      }
      const name = asked.get(id)
      if (name === undefined) return null
      const names = Object.keys((await import(pathToFileURL(id).href)) as object)
      const lines = names.map((key) => `export const ${key} = (...args) => askNode(${JSON.stringify(`${name}.${key}`)}, ...args)`)
      return `import { askNode } from ${JSON.stringify(ours('ask-node'))}\n${lines.join('\n')}`
    },
    transform(code, id) {
      if (!/\/tests?\//.test(id) || id.includes('node_modules') || id.startsWith(WORKER)) return null
      const globals = GLOBALS.filter((name) => new RegExp(`\\b${name}\\b`).test(code))
      const given = globals.length === 0 ? '' : `import { ${globals.join(', ')} } from ${JSON.stringify(ours('node-globals'))};`
      // A test that reads a file beside it means the one in the repository.
      return given + code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
    },
  }
}

/** Builds `suite.js`, which is the worker, and what it loads, into a folder. */
export async function buildSuite(files: readonly string[], outDir: string): Promise<void> {
  await build({
    root: WORKER,
    configFile: false,
    logLevel: 'error',
    plugins: [inBrowser(files)],
    build: {
      outDir,
      emptyOutDir: true,
      minify: false,
      target: 'es2024',
      modulePreload: false,
      // What is missing fails the test that uses it, and no other.
      rolldownOptions: { shimMissingExports: true, input: { suite: ours('run') }, output: { entryFileNames: '[name].js' } },
    },
  })
}
