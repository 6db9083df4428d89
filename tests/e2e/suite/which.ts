/**
 * Which tests run in a browser's worker: all of the packages that a device is made of, but for those named here with the reason. A file
 * is left out where what it tests is Node's; a test, where the rest of its file is not.
 */
import { globSync } from 'node:fs'
import { shared } from '../../support/optional.ts'
import { ROOT } from './build.ts'

const PATTERNS = ['packages/{crypto,engine,import,model,protocol}/test/**/*.test.ts', 'tests/vectors/*.test.ts']

const SERVER = 'needs servers of foreign apps, made by the test with node:http; a page may not reach them'
const PROGRAM = 'starts other programs'
const FOLDERS = "reads and writes folders by Node's adapters"

export const FILES_LEFT_OUT: Readonly<Record<string, string>> = {
  'packages/crypto/test/readme.test.ts': PROGRAM,
  'packages/engine/test/driver.test.ts':
    "Node's adapter and its files; the driver's contract is run on the browser's files by driver-contract.test.ts",
  'packages/engine/test/node.test.ts': "Node's HTTP, folder and processes",
  'packages/engine/test/sdk.test.ts': PROGRAM,
  'packages/engine/test/search-worker.test.ts': "Node's search, which has a thread and a connection of its own",
  'packages/engine/test/token-replay.test.ts': 'asks servers by a fetch of its own: they are other origins and let no page in',
  'packages/import/test/dataans-hostile.test.ts': SERVER,
  'packages/import/test/dataans-import.test.ts': SERVER,
  'packages/import/test/difflog.test.ts': SERVER,
  'packages/import/test/markdown.test.ts': FOLDERS,
  'packages/import/test/zip.test.ts': FOLDERS,
}

const TWO_PROCESSES = "two processes on one file; a browser's file has one connection"
const FOLDER = 'what is in the folder that is a home in Node'
const ISOLATED = 'shared memory, which a page has only where it is isolated from others; the app is not'

/** Full titles, as Vitest joins them. */
export const TESTS_LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'packages/crypto/test/envelope.test.ts': {
    'envelope > [ENV-1] inputs are neither changed nor kept, and may be views into larger or shared memory': ISOLATED,
  },
  'packages/crypto/test/wycheproof.test.ts': {
    '[ENV-1] Wycheproof > [ENV-1] AES-GCM with 96-bit nonces: all 64 cases with keys of 192 bits, 37 valid and 27 invalid':
      'Chromium has no AES with 192 bits, and nothing here uses it',
  },
  'packages/engine/test/account.test.ts': {
    'signing up and joining > [KEY-2] [CELL-10] [KEY-1] two devices share a vault; what is on disk holds no password and no key derived from it':
      FOLDER,
    'signing out > with wipe nothing is left in the home but what is not ours': FOLDER,
    'signing out > [KEY-1] a process that hears of the end of its session does not bring back what another one removed':
      TWO_PROCESSES,
    'the home > damaged or newer key files are told by name, and left as they are': FOLDER,
    'the home > a crash between the two files leaves a device that can sign in': FOLDER,
    'a home that was copied > [LOG-3] becomes a device of its own at its next sign-in, so that two copies do not end each other’s sessions':
      FOLDER,
  },
  'packages/engine/test/tables.test.ts': {
    'opening > a database of a newer Lockstep is refused, and left as it is': TWO_PROCESSES,
    'opening > an up-to-date database is opened without a write': TWO_PROCESSES,
    'schemas that change > [CELL-2] a process that has the vault open with an older schema stops writing when a newer one opens it':
      TWO_PROCESSES,
    'schemas that change > [CELL-2] a crash between the new columns and the cells that waited for them loses nothing':
      TWO_PROCESSES,
  },
  'packages/engine/test/transaction.test.ts': {
    'refusals > a listener that fails does not fail the transaction that it hears of': "how Node's process hears of an error",
  },
  'packages/engine/test/sync.test.ts': {
    'failures > [LOG-6] two processes that fill a new home at once, while others write, do no harm': TWO_PROCESSES,
    'two processes on one home > [LOG-1] write and sync at once: every edit arrives once, under one counter': TWO_PROCESSES,
    'two processes on one home > [LOG-3] when one of them leaves the replica, the other goes on with the new one': TWO_PROCESSES,
  },
}

/** All that is tested here is in that folder of `../shared`: without it, Node skips every test of the file. */
const DATA: Readonly<Record<string, string>> = { 'packages/crypto/test/wycheproof.test.ts': 'vectors' }

/** Files without a test that can run, since what they test with is not beside the repository. */
export const FILES_WITHOUT_DATA: readonly string[] = Object.entries(DATA).flatMap(([file, folder]) =>
  shared(folder) === undefined ? [file] : [],
)

/** No file of a package: a browser's own. */
export const DRIVER_CONTRACT = 'tests/e2e/suite/worker/driver-contract.ts'

/** Files with known answers and published vectors [proof G12]. */
export const VECTORS = [
  'packages/crypto/test/foreign.test.ts',
  'packages/crypto/test/share.test.ts',
  'packages/crypto/test/standards.test.ts',
  'packages/crypto/test/vectors.test.ts',
  'packages/crypto/test/wycheproof.test.ts',
  'tests/vectors/agreement.test.ts',
]

/** Randomised tests take a tenth of their seeds, since Node has them all; these take what is said here, as a factor. */
export const RUNS: Readonly<Record<string, number>> = {
  'packages/engine/test/remote.test.ts': 1,
  'packages/engine/test/text-pack.test.ts': 1,
  'packages/engine/test/compaction-server.test.ts': 1,
  'packages/engine/test/content.test.ts': 1,
}

/** Paths from the root of the repository. */
export function allTestFiles(): string[] {
  return PATTERNS.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort()
}

export function filesInBrowser(): string[] {
  const left = [...Object.keys(FILES_LEFT_OUT), ...FILES_WITHOUT_DATA]
  return [DRIVER_CONTRACT, ...allTestFiles().filter((file) => !left.includes(file))]
}
