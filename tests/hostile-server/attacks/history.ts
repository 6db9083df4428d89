/** Another past: rolled back, wiped, forked, moved; and positions that are not those of the log. */
import { encodeUtf8, toBase64Url } from '@lockstep/protocol/bytes'
import { type Attack, type AttackParts, during } from '../attack.ts'
import { type Control, PULL } from '../control.ts'
import { problem, reply } from '../exchange.ts'
import { flipped, noise } from '../forging.ts'
import type { JournalEntry } from '../honest-server.ts'

const SUNDR = 'Li, Krohn, Mazières, Shasha, "Secure Untrusted Data Repository (SUNDR)", OSDI 2004 (fork consistency)'
const ROLLBACK =
  'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (rollback attack)'
const DEPOT = 'Mahajan, Setty, Lee, Clement, Alvisi, Dahlin, Walfish, "Depot: Cloud Storage with Minimal Trust", OSDI 2010'
const VENUS = 'Shraer, Cachin, Cidon, Keidar, Michalevsky, Shaket, "Venus: Verification for Untrusted Cloud Storage", CCSW 2010'
const CT = 'RFC 9162 (Certificate Transparency 2.0), section 11.3 (misbehaving logs)'

const isPush = ({ exchange }: JournalEntry): boolean => exchange.method === 'POST' && exchange.path === '/v1/segments'

/** Requests of the time before the victim's last `count` segments of the log were pushed. */
function beforeLastPushes(control: Control, count: number): (entry: JournalEntry) => boolean {
  const pushes = control.server.journal.filter(isPush)
  const first = pushes.at(-count)
  return (entry) => first === undefined || entry.index < first.index
}

const position = (name: string, client: string, change: Parameters<Control['changePull']>[0]): AttackParts => ({
  name,
  rules: ['LOG-4', 'SEG-1'],
  source: CT,
  client,
  install: (control) => control.changePull(change),
})

const SAYS_SO = 'says in one sentence what happened to the server; keeps all it has'

export const HISTORY: readonly Attack[] = [
  ...during('pull', [
    {
      name: 'rolled-back-honestly',
      rules: ['LOG-4', 'LOG-9'],
      source: ROLLBACK,
      client: `${SAYS_SO}; repairs what it can`,
      install: async (control) => {
        await control.turnBack(beforeLastPushes(control, 6))
      },
    },
    {
      name: 'rolled-back-without-saying',
      rules: ['LOG-4'],
      source: ROLLBACK,
      client: 'sees that the server has less than it had',
      install: async (control) => {
        const copy = await control.turnBack(beforeLastPushes(control, 6))
        const old = await copy.log()
        control.answer(...PULL, () => segmentsAnswer(old.position.head, old.position.chain, old.position.generation))
      },
    },
    {
      name: 'wiped-but-for-accounts',
      rules: ['LOG-4', 'SYNC-3'],
      source: DEPOT,
      client: `${SAYS_SO}; deletes nothing`,
      install: async (control) => {
        await control.turnBack((entry) => !isPush(entry))
      },
    },
    {
      name: 'wiped-without-saying',
      rules: ['LOG-4', 'SYNC-3'],
      source: DEPOT,
      client: 'does not take an empty log for an empty vault',
      install: (control) => control.answer(...PULL, () => segmentsAnswer(0, new Uint8Array(32), noise(16))),
    },
    {
      name: 'wiped-with-accounts',
      rules: ['KEY-1', 'SYNC-3'],
      source: DEPOT,
      client: 'drops the session, asks for the password once, keeps data and keys',
      install: async (control) => {
        await control.turnBack(() => false)
      },
    },
    {
      name: 'forked-before-the-news',
      rules: ['LOG-4', 'LOG-8'],
      source: SUNDR,
      client: 'is told of by the first segment that crosses the fork; until then both branches are one author’s view each',
      install: (control) => control.show((news) => news.slice(4)),
    },
    {
      name: 'two-faced',
      rules: ['LOG-4', 'LOG-8'],
      source: SUNDR,
      client: 'is told of two logs in turn: says so, in bounded work, and loses nothing of either',
      install: (control) => {
        let asked = 0
        control.intercept(async ({ method, path, query }, next) => {
          if (method !== PULL[0] || path !== PULL[1] || asked++ % 2 === 1) return next()
          return (await control.shownLog((news) => news.slice(1))).pull(query) ?? next()
        })
      },
    },
    {
      name: 'moved-to-an-exact-copy',
      rules: ['LOG-4'],
      source: VENUS,
      client: 'goes on as if nothing had happened: nothing has',
      install: (control) => control.moveEverybody(),
    },
    {
      name: 'says-the-chain-does-not-match',
      rules: ['LOG-4', 'LOG-9'],
      source: DEPOT,
      client: 'does not throw away what it has for a word of the server; names it, or finds out that nothing is missing',
      install: (control) =>
        control.answer(...PULL, async () => {
          const { position: now } = await control.log()
          return chainMismatch({ head: now.head, chain: now.chain, generation: now.generation }, [])
        }),
    },
    {
      name: 'says-the-chain-does-not-match-and-has-everything',
      rules: ['LOG-9'],
      source: DEPOT,
      client: 'believes no coverage whose digests it cannot check; loses nothing',
      install: (control) =>
        control.answer(...PULL, async () => {
          const { position: now, segments } = await control.log()
          const claimed = segments.map(({ replica, counter }) => ({
            replica: toBase64Url(replica),
            ranges: [[1, counter + 1000]],
            digest: toBase64Url(noise(32)),
          }))
          return chainMismatch({ head: now.head, chain: noise(32), generation: now.generation }, claimed)
        }),
    },
    {
      name: 'says-the-chain-does-not-match-in-no-words',
      rules: ['HTTP-1', 'LOG-4'],
      source: DEPOT,
      client: 'names it; keeps all it has',
      install: (control) =>
        control.answer(...PULL, () => problem('chain-mismatch', { head: -1, chain: 7, generation: null, coverage: 'all' })),
    },
    {
      name: 'lowers-the-head-under-the-cursor',
      rules: ['LOG-4'],
      source: ROLLBACK,
      client: 'sees that the server has less than it had',
      install: (control) =>
        control.changePull(({ position: now }) => ({ position: { ...now, head: control.anchor.sequence - 1 }, segments: [] })),
    },
    position(
      'another-chain-at-the-head',
      'sees that what it received is not what is vouched for',
      ({ position: now, segments }) => ({
        position: { ...now, chain: flipped(now.chain, 0) },
        segments,
      }),
    ),
    position('another-generation', 'takes it for the hint that it is', ({ position: now, segments }) => ({
      position: { ...now, generation: flipped(now.generation, 0) },
      segments,
    })),
    position('the-greatest-head-there-is', 'believes no head that it was not shown', ({ position: now, segments }) => ({
      position: { ...now, head: Number.MAX_SAFE_INTEGER },
      segments,
    })),
    {
      name: 'a-head-that-is-no-number',
      rules: ['SEG-1'],
      source: CT,
      client: 'refuses the answer',
      install: (control) =>
        control.changeBytes(...PULL, (bytes) => {
          const out = bytes.slice()
          out.fill(0xff, 1, 9)
          return out
        }),
    },
    {
      name: 'spans-that-run-backwards',
      rules: ['SEG-1'],
      source: CT,
      client: 'refuses the answer',
      install: (control) =>
        control.changePull(({ position: now, segments }) => ({
          position: now,
          segments: segments.map((segment) => ({ ...segment, first: segment.last, last: segment.last - 1 })),
        })),
    },
    {
      name: 'spans-of-more-than-one',
      rules: ['LOG-6', 'SEG-1'],
      source: CT,
      client: 'does not take a delta for a run: refuses it',
      install: (control) =>
        control.changePull(({ position: now, segments }) => ({
          position: now,
          segments: segments.slice(0, 1).map((segment) => ({ ...segment, last: now.head })),
        })),
    },
  ]),
  ...during('push', [
    {
      name: 'forked-for-good',
      rules: ['LOG-4', 'LOG-8'],
      source: SUNDR,
      client: 'keeps writing to its branch; when the branches meet it says so, and nothing of either is lost',
      install: async (control) => {
        await control.turnBack(() => true)
      },
    },
    {
      name: 'rolled-back-before-a-push',
      rules: ['LOG-3', 'LOG-4', 'LOG-9'],
      source: ROLLBACK,
      client: `${SAYS_SO}; what it pushes now and what it had pushed before are not lost`,
      install: async (control) => {
        const own = control.server.journal.filter((entry) => isPush(entry) && entry.exchange.client === control.victim).at(-1)
        await control.turnBack((entry) => own === undefined || entry.index < own.index)
      },
    },
    {
      name: 'wiped-before-a-push',
      rules: ['LOG-3', 'LOG-9'],
      source: DEPOT,
      client: `${SAYS_SO}; sends again what was lost, or says that it was`,
      install: async (control) => {
        await control.turnBack((entry) => !isPush(entry))
      },
    },
  ]),
]

function segmentsAnswer(head: number, chain: Uint8Array, generation: Uint8Array) {
  const bytes = new Uint8Array(57)
  bytes[0] = 1
  new DataView(bytes.buffer).setBigUint64(1, BigInt(head))
  bytes.set(chain, 9)
  bytes.set(generation, 41)
  return { ...reply(200, 'application/vnd.lockstep.segments', encodeUtf8('')), body: bytes }
}

function chainMismatch(
  { head, chain, generation }: { readonly head: number; readonly chain: Uint8Array; readonly generation: Uint8Array },
  coverage: readonly object[],
) {
  return problem('chain-mismatch', { head, chain: toBase64Url(chain), generation: toBase64Url(generation), coverage })
}
