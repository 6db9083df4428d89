/**
 * What may import what, and what pure code may not touch (docs/architecture.md, "One picture"). Each rule carries its
 * reason, which is printed when it is broken. Decides only; `check-imports.ts` reads the files.
 *
 * DOM globals need no rule here: the type checker does not know them outside `platform/browser`. Those that Node has too are
 * listed under `platform-globals`.
 */
import { builtinModules } from 'node:module'
import { type Import, importsOf, isBarrel, lineOf, type ScannedSource, scanSource } from './source.ts'

export interface Violation {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly message: string
}

/** A place where a rule does not hold. One that no longer applies is itself reported. */
export interface Exception {
  readonly file: string
  readonly rule: string
  readonly why: string
}

export const EXCEPTIONS: readonly Exception[] = []

interface Layer {
  /** Workspace packages that it may import, by their short name. */
  readonly workspace: readonly string[]
  readonly why: string
}

/** Folders whose imports of workspace packages are restricted. What is not listed (tests, bench, tools) may import anything. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  'packages/protocol': { workspace: [], why: 'wire types and codecs stand alone: any client or server can be built on them' },
  'packages/crypto': { workspace: [], why: 'keys and envelopes know nothing of what they protect' },
  'packages/engine': {
    workspace: ['crypto', 'protocol'],
    why: 'the engine serves any app and talks to any server that speaks the protocol',
  },
  'packages/model': { workspace: ['engine'], why: 'tables are declared with the engine and hold no keys and no wire format' },
  'packages/import': {
    workspace: ['crypto', 'engine', 'model', 'protocol'],
    why: "importers write through the engine; they open what another app sealed, never a vault's own segments",
  },
  'packages/server': { workspace: ['protocol'], why: 'a server that cannot decrypt is a fact of its imports, not a promise' },
  'packages/cli': { workspace: ['crypto', 'engine', 'import', 'model', 'protocol', 'server'], why: 'the CLI composes everything' },
  'apps/web': {
    workspace: ['crypto', 'engine', 'import', 'model', 'protocol'],
    why: 'what runs in a browser contains no server and no CLI',
  },
}

interface PackageRule {
  readonly rule: string
  readonly why: string
  /** Files it holds for. */
  readonly within: RegExp
  /** Files among them that it does not hold for. */
  readonly except?: RegExp
  readonly refuses: (imported: Import) => boolean
}

const isNode = ({ specifier }: Import) => specifier.startsWith('node:') || builtinModules.includes(specifier)
const isPackage = ({ specifier }: Import) => !/^[.#/]/.test(specifier) && !specifier.startsWith('@lockstep/')

const IMPORT_RULES: readonly PackageRule[] = [
  {
    rule: 'no-node',
    why: 'this code also runs in browsers; only platform adapters know Node',
    within: /^packages\/(?:protocol|crypto|engine|model)\/src\//,
    except: /^packages\/engine\/src\/platform\/node\//,
    refuses: isNode,
  },
  {
    rule: 'protocol-zod-only',
    why: 'whoever writes another client takes the protocol package without a tree of dependencies',
    within: /^packages\/protocol\/src\//,
    refuses: (imported) => isPackage(imported) && !isNode(imported) && imported.specifier !== 'zod',
  },
  {
    rule: 'wasm-in-browser-adapter',
    why: 'SQLite is reached through the driver interface; one adapter knows the WASM build',
    within: /^packages\/[^/]+\/src\//,
    except: /^packages\/engine\/src\/platform\/browser\//,
    refuses: ({ specifier }) => specifier.startsWith('@sqlite.org/sqlite-wasm'),
  },
  {
    rule: 'server-database',
    why: 'routes work on the storage interface, so that another database is an adapter',
    within: /^packages\/server\/src\//,
    except: /^packages\/server\/src\/(?:storage\/sqlite[/.]|operate\/)/,
    refuses: ({ specifier }) => specifier === 'node:sqlite',
  },
  {
    rule: 'server-files',
    why: 'a server on Cloudflare has no file system: only storage, blob and start-up files may use one',
    within: /^packages\/server\/src\//,
    except: /^packages\/server\/src\/(?:storage\/sqlite[/.]|operate\/|blobs\/|bin\/|serve[/.]|config[/.])/,
    refuses: ({ specifier }) => /^(?:node:)?fs(?:\/promises)?$/.test(specifier),
  },
  {
    rule: 'server-operators-apart',
    why: "an operator's commands work on the embedded storage's files; a running server does not know them",
    within: /^packages\/server\/src\//,
    except: /^packages\/server\/src\/operate\//,
    refuses: ({ specifier }) => specifier.startsWith('#operate/'),
  },
  {
    rule: 'clients-alone',
    why: 'a client that checks the server from the documents shares no code with it: Node and its own folder are all it has',
    within: /^tests\/dialects\/[^/]+-client\//,
    refuses: ({ specifier }) => !/^(?:node:|\.\/)/.test(specifier) || specifier.includes('/../'),
  },
  {
    rule: 'no-climbing',
    why: 'inside a package a file is named from its root: #name',
    within: /^packages\/[^/]+\/src\//,
    refuses: ({ specifier }) => /(?:^|\/)\.\.(?:\/|$)/.test(specifier),
  },
  {
    rule: 'no-deep-import',
    why: "another package's file is @lockstep/package/name; its path is its own business",
    within: /./,
    refuses: ({ specifier }) => /^@lockstep\/[^/]+\/src\//.test(specifier) || /(?:^|\/)packages\/[^/]+\/src\//.test(specifier),
  },
]

interface CodeRule {
  readonly rule: string
  readonly why: string
  readonly within: RegExp
  readonly except?: RegExp
  readonly pattern: RegExp
}

const PURE = /^packages\/(?:protocol|crypto|engine|model)\/src\//
const PLATFORM = /^packages\/engine\/src\/platform\//

const CODE_RULES: readonly CodeRule[] = [
  {
    rule: 'no-clock',
    why: 'time is passed in, so that a whole network of devices runs in one test, from a seed',
    within: PURE,
    except: PLATFORM,
    pattern:
      /\bDate\.now\b|\bnew\s+Date\b(?!\s*\(\s*[^\s)])|(?<![.\w$]|\bnew\s)\bDate\s*\(|\bperformance\.now\b|\bprocess\.hrtime\b/g,
  },
  {
    rule: 'no-timers',
    why: 'waiting is passed in, so that a test decides when time goes by',
    within: PURE,
    except: PLATFORM,
    pattern: /(?:(?<![.\w$])|\bglobalThis\.)(?:setTimeout|setInterval|setImmediate)\b/g,
  },
  {
    rule: 'no-randomness',
    why: 'randomness is passed in, so that a failing run repeats from its seed',
    within: PURE,
    except: PLATFORM,
    pattern:
      /\bMath\.random\b|\bgetRandomValues\b|\bcrypto\.random\w+|\brandom(?:Secret|Private)Key\b|\bgenerateMnemonic\b|\.keygen\(\s*\)/g,
  },
  {
    rule: 'platform-globals',
    why: 'these exist on some platforms only; a platform adapter provides what is needed',
    within: PURE,
    except: PLATFORM,
    pattern: /(?:(?<![.\w$])|\bglobalThis\.)(?:process|Buffer|navigator|localStorage|sessionStorage|indexedDB)\s*[.[]/g,
  },
  {
    rule: 'no-console',
    why: 'a library reports through what it returns; only programs print',
    within: /^packages\/(?:protocol|crypto|engine|model|import)\/src\//,
    pattern: /(?<![.\w$])console\s*[.[]/g,
  },
]

/** Names of external exports that bring their own randomness, in code that must not have any. */
const RANDOM_IMPORT = /\brandomBytes\b|\brandomUUID\b/

/** Every rule's name. */
export const RULES: readonly string[] = [
  ...new Set(['layers', ...IMPORT_RULES.map(({ rule }) => rule), ...CODE_RULES.map(({ rule }) => rule), 'no-barrel']),
]

const layerOf = (file: string) => Object.keys(LAYERS).find((folder) => file.startsWith(`${folder}/`))

/** @param file Path from the repository's root, with forward slashes. */
export function checkFile(file: string, source: string): Violation[] {
  const scanned = scanSource(source)
  const imports = importsOf(scanned)
  return [...checkLayer(file, imports), ...checkImports(file, imports), ...checkCode(file, scanned), ...checkBarrel(file, scanned)]
}

function checkLayer(file: string, imports: readonly Import[]): Violation[] {
  const folder = layerOf(file)
  const layer = folder === undefined ? undefined : LAYERS[folder]
  if (layer === undefined) return []
  return imports.flatMap(({ specifier, line }) => {
    const name = /^@lockstep\/([^/]+)/.exec(specifier)?.[1]
    if (name === undefined || layer.workspace.includes(name)) return []
    const own = folder === `packages/${name}`
    const message = own
      ? `imports ${specifier}: inside its package a file is named #name`
      : `${folder} must not import ${specifier}: ${layer.why}`
    return [{ file, line, rule: 'layers', message }]
  })
}

function checkImports(file: string, imports: readonly Import[]): Violation[] {
  const found: Violation[] = []
  for (const imported of imports) {
    for (const { rule, why, within, except, refuses } of IMPORT_RULES) {
      if (!within.test(file) || except?.test(file) || !refuses(imported)) continue
      found.push({ file, line: imported.line, rule, message: `imports ${imported.specifier}: ${why}` })
    }
    if (PURE.test(file) && !PLATFORM.test(file) && isPackage(imported) && RANDOM_IMPORT.test(imported.clause)) {
      found.push({
        file,
        line: imported.line,
        rule: 'no-randomness',
        message: `imports randomness from ${imported.specifier}: it is passed in, so that a failing run repeats from its seed`,
      })
    }
  }
  return found
}

function checkCode(file: string, { code }: ScannedSource): Violation[] {
  return CODE_RULES.filter(({ within, except }) => within.test(file) && !except?.test(file)).flatMap(({ rule, why, pattern }) =>
    [...code.matchAll(pattern)].map((match) => ({
      file,
      line: lineOf(code, match.index),
      rule,
      message: `uses ${match[0].trim()}: ${why}`,
    })),
  )
}

function checkBarrel(file: string, scanned: ScannedSource): Violation[] {
  if (!isBarrel(scanned)) return []
  return [{ file, line: 1, rule: 'no-barrel', message: 'only passes exports on: import a thing from where it lives' }]
}

/** The dependencies that a package declares must follow the layers too. */
export function checkManifest(folder: string, dependencies: readonly string[]): Violation[] {
  const layer = LAYERS[folder]
  const file = `${folder}/package.json`
  if (layer === undefined) {
    return [{ file, line: 1, rule: 'layers', message: 'this package has no place in the layers of tools/import-rules.ts' }]
  }
  return dependencies
    .filter((name) => name.startsWith('@lockstep/') && !layer.workspace.includes(name.slice('@lockstep/'.length)))
    .map((name) => ({ file, line: 1, rule: 'layers', message: `${folder} must not depend on ${name}: ${layer.why}` }))
}

/** Takes out what an exception covers, and reports exceptions that cover nothing. */
export function applyExceptions(violations: readonly Violation[], exceptions: readonly Exception[]): Violation[] {
  const covers = (exception: Exception, violation: Violation) =>
    exception.file === violation.file && exception.rule === violation.rule
  const left = violations.filter((violation) => !exceptions.some((exception) => covers(exception, violation)))
  const stale = exceptions.filter((exception) => !violations.some((violation) => covers(exception, violation)))
  return [
    ...left,
    ...stale.map(({ file, rule }) => ({
      file,
      line: 1,
      rule: 'stale-exception',
      message: `needs no exception from ${rule} any more`,
    })),
  ]
}
