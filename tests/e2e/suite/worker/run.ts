/**
 * Runs one test file inside a dedicated worker, with Vitest's own runner and matchers: a test means here what it means in Node.
 * What Vitest expects of the process that it usually runs in is made up below.
 */
import { files } from 'virtual:test-files'
import { startTests } from 'vitest/internal/browser'
import type { CaseResult, RunRequest } from '../report.ts'
import { answeredAt } from './ask-node.ts'
import { process } from './node-globals.ts'
import { openStorage } from './sqlite.ts'

type Task = {
  readonly type: string
  readonly name: string
  readonly mode: string
  readonly tasks?: readonly Task[]
  readonly result?: { readonly state: string; readonly errors?: readonly { readonly message: string; readonly stack?: string }[] }
}

/** The one module that engine tests replace; `derivation.ts` here does what the replacement does. */
const REPLACED = '@lockstep/crypto/derivation'

const config = {
  root: '/',
  name: 'chromium',
  setupFiles: [],
  allowOnly: false,
  passWithNoTests: false,
  testTimeout: 0,
  hookTimeout: 0,
  teardownTimeout: 0,
  retry: 0,
  repeats: 0,
  maxConcurrency: 1,
  includeTaskLocation: false,
  tags: [],
  // As Node's: titles are compared.
  taskTitleValueFormatTruncate: 40,
  sequence: { seed: 1, hooks: 'stack', setupFiles: 'list', shuffle: false, concurrent: false },
  expect: {},
  snapshotOptions: {},
  fakeTimers: {},
  unstubEnvs: false,
  chaiConfig: {},
}

function pretendVitest(file: string): void {
  Object.assign(globalThis, {
    __vitest_worker__: { config, filepath: file, current: undefined, ctx: {}, rpc: {}, providedContext: {}, durations: {} },
    __vitest_mocker__: {
      queueMock(path: string) {
        if (path !== REPLACED) throw new Error(`${path} cannot be replaced in a browser`)
      },
      queueUnmock() {},
      reset() {},
      getMockContext: () => ({ callstack: null }),
    },
  })
}

function* resultsOf(task: Task, groups: readonly string[]): Generator<CaseResult> {
  const title = [...groups, task.name].join(' > ')
  const errors = task.result?.errors?.map(({ message, stack }) => stack ?? message)
  if (task.type === 'test') {
    const state = task.result?.state === 'pass' || task.result?.state === 'fail' ? task.result.state : 'skip'
    yield { title, state, ...(errors !== undefined && errors.length > 0 && { error: errors.join('\n') }) }
    return
  }
  if (errors !== undefined && errors.length > 0)
    yield { title: `${title} (around its tests)`, state: 'fail', error: errors.join('\n') }
  for (const inner of task.tasks ?? []) yield* resultsOf(inner, [...groups, task.name])
}

async function run({ file, node, env, skip }: RunRequest): Promise<CaseResult[]> {
  const load = files[file]
  if (load === undefined) throw new Error(`${file} was not built`)
  answeredAt(node)
  Object.assign(process.env, env)
  pretendVitest(file)
  await openStorage()
  const stray: CaseResult[] = []
  globalThis.addEventListener('unhandledrejection', ({ reason }) => {
    stray.push({
      title: 'an unhandled rejection',
      state: 'fail',
      error: reason instanceof Error ? String(reason.stack) : String(reason),
    })
  })
  const runner = {
    config,
    pool: 'browser',
    viteEnvironment: 'browser',
    importFile: () => load(),
    onBeforeTryTask: () => undefined,
  }
  const pattern = skip.length === 0 ? undefined : new RegExp(`^(?!.*(?:${skip.map(literally).join('|')})$)`)
  const spec = { filepath: file, testLocations: undefined, testNamePattern: pattern }
  const [ran] = (await startTests([spec] as never, runner as never)) as unknown as readonly Task[]
  if (ran === undefined) throw new Error(`${file} was not run`)
  const own = ran.result?.errors?.map(({ message, stack }) => stack ?? message) ?? []
  const broken: CaseResult[] = own.length > 0 ? [{ title: 'the file', state: 'fail', error: own.join('\n') }] : []
  return [...broken, ...(ran.tasks ?? []).flatMap((task) => [...resultsOf(task, [])]), ...stray]
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

globalThis.onmessage = ({ data }: MessageEvent<RunRequest>) => {
  run(data).then(
    (results) => postMessage({ results }),
    (error: unknown) => postMessage({ error: error instanceof Error ? String(error.stack) : String(error) }),
  )
}
