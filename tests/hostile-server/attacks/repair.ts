/** A server that has lost everything, and lies to the client that wants to give it back. */
import { fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import { type Attack, type AttackParts, during } from '../attack.ts'
import { type Control, PUSH } from '../control.ts'
import { json, problem, type Reply } from '../exchange.ts'
import { flipped, noise } from '../forging.ts'

const DEPOT = 'Mahajan, Setty, Lee, Clement, Alvisi, Dahlin, Walfish, "Depot: Cloud Storage with Minimal Trust", OSDI 2010'
const VENUS = 'Shraer, Cachin, Cidon, Keidar, Michalevsky, Shaket, "Venus: Verification for Untrusted Cloud Storage", CCSW 2010'
const TRAVERSAL = 'CWE-22 (path traversal)'

const COMMON = '/v1/segments/common'
const RESERVE = '/v1/segments/merged'
const MERGE = /^\/v1\/segments\/merged\/./

const KEEPS = 'keeps everything, in bounded work; gives it back to whoever takes it'

/** Without the victim's knowledge nothing but accounts is left, and then something else happens. */
const emptied = (name: string, source: string, client: string, lie: (control: Control) => void): AttackParts => ({
  name,
  rules: ['LOG-9'],
  source,
  client,
  install: async (control) => {
    await control.turnBack(({ exchange }) => !(exchange.method === 'POST' && exchange.path === '/v1/segments'))
    lie(control)
  },
})

const common = (name: string, client: string, change: (value: Record<string, unknown>) => object): AttackParts =>
  emptied(name, DEPOT, client, (control) => control.changeJson('POST', COMMON, change))

const refusing = (name: string, method: string, path: string | RegExp, make: () => Reply): AttackParts =>
  emptied(name, VENUS, KEEPS, (control) => control.answer(method, path, make))

interface Covered {
  readonly replica: string
  readonly ranges: readonly (readonly [number, number])[]
  readonly digest: string
}

export const REPAIR: readonly Attack[] = during('pull', [
  common('repair: a-common-point-beyond-the-marks', KEEPS, (value) => ({ ...value, sequence: 9999 })),
  common('repair: a-common-point-below-nothing', 'refuses the answer', (value) => ({ ...value, sequence: -1 })),
  common('repair: an-epoch-of-the-future', KEEPS, (value) => ({ ...value, epoch: 0xffff_ffff })),
  common('repair: a-bundle-of-the-future', KEEPS, (value) => ({ ...value, bundleVersion: Number.MAX_SAFE_INTEGER })),
  common('repair: a-head-that-moves', KEEPS, (value) => ({
    ...value,
    head: Number(value['head']) + 3,
    chain: toBase64Url(flipped(fromBase64Url(String(value['chain'])), 0)),
  })),
  common('repair: covers-nothing-whatever-comes', KEEPS, (value) => ({ ...value, coverage: [] })),
  common('repair: covers-everything-already', KEEPS, (value) => ({
    ...value,
    coverage: (value['coverage'] as readonly Covered[]).map((covered) => ({
      ...covered,
      ranges: [[1, Number.MAX_SAFE_INTEGER]],
      digest: toBase64Url(noise(32)),
    })),
  })),
  common('repair: ranges-that-run-backwards', KEEPS, (value) => ({
    ...value,
    coverage: (value['coverage'] as readonly Covered[]).map((covered) => ({ ...covered, ranges: [[9, 1]] })),
  })),
  common('repair: coverage-of-strangers', KEEPS, (value) => ({
    ...value,
    coverage: Array.from({ length: 1000 }, () => ({
      replica: toBase64Url(noise(16)),
      ranges: [[1, 1]],
      digest: toBase64Url(noise(32)),
    })),
  })),
  refusing('repair: busy-for-ever', 'POST', RESERVE, () => problem('merge-busy')),
  refusing('repair: changed-for-ever', 'POST', RESERVE, () => problem('run-changed')),
  refusing('repair: parts-refused', 'PUT', MERGE, () => problem('not-found')),
  refusing('repair: committed-to-another-place', 'POST', MERGE, () =>
    json({ head: 77, chain: toBase64Url(noise(32)), generation: toBase64Url(noise(16)) }),
  ),
  refusing('repair: pushes-refused', ...PUSH, () => problem('bad-segment')),
  refusing('repair: pushes-in-conflict', ...PUSH, () =>
    problem('replica-conflict', { counter: 3, previous: toBase64Url(noise(32)) }),
  ),
  emptied('repair: a-name-that-climbs', TRAVERSAL, 'sends its parts to no other path than the merge’s', (control) =>
    control.changeJson('POST', RESERVE, (value) => ({ ...value, merge: '../../credentials' })),
  ),
  emptied('repair: lost-again-and-again', DEPOT, 'gives up for now after some tries', (control) =>
    control.intercept(async ({ method, path }, next) => {
      const answer = await next()
      if (method === 'POST' && path === '/v1/segments' && answer.status === 200)
        await control.turnBack(({ exchange }) => !(exchange.method === 'POST' && exchange.path === '/v1/segments'))
      return answer
    }),
  ),
])
